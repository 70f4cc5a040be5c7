import { posix } from "node:path";
import type { Wanted } from "../wanted.ts";
import { filesBelow, perPath, ran } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { isForDevelopers } from "./system-paths.ts";

const maxSourceBytes = 1 << 20;

/** Of an installed package: what help, compilers of other packages and tests read. */
const notAtRunTime = /^(?:help|html|doc|demo|include|tests|testthat|po|man)$/;

/** Packages that R's own code loads late: the compiler of functions that are called often, and what checks and installs. */
const late = ["compiler", "tools"];

/** Modules of R that are opened by name; the third one draws on a screen, and brings X. */
const modules = ["lapack.so", "internet.so"];

const byFunction =
  /\b(?:library|require|requireNamespace|loadNamespace|attachNamespace|asNamespace|getNamespace)[ \t]{0,4}\([ \t\r\n]{0,40}["']?([A-Za-z][\w.]{0,60})/g;
const byOperator = /(?<![\w.])([A-Za-z][\w.]{0,60}):::?(?=[A-Za-z.`])/g;

/** The packages that a source of R asks for, in every branch of it. A `#` within a string hides at most the rest of its line. */
export function rPackages(text: string): string[] {
  const code = text.replace(/#[^\n]*/g, "");
  const names = [...code.matchAll(byFunction), ...code.matchAll(byOperator)].map(([, name = ""]) => name);
  return [...new Set(names)];
}

/** What a DESCRIPTION says that a package needs to be loaded; R itself is none. */
export function rDependencies(description: string): string[] {
  const fields = description.replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/);
  const needed = fields.filter((field) => /^(?:Depends|Imports):/.test(field));
  const names = needed.flatMap((field) => field.replace(/^\w+:/, "").split(","));
  return names
    .map((name) => name.replace(/\(.*/s, "").trim())
    .filter((name) => /^[A-Za-z][\w.]*$/.test(name) && name !== "R");
}

const isR = oncePerWave(
  (context) =>
    ran(context, /^(?:R|Rscript|littler|r)$/) ||
    [...context.rootfs.keys()].some((path) => path.endsWith("/libR.so") && context.isSeen(path)),
);

/** Installed packages by name: directories with a DESCRIPTION and what R made of it. */
const installed = oncePerWave((context) => {
  const found = new Map<string, string[]>();
  for (const [directory, names] of context.children) {
    if (!names.includes("DESCRIPTION") || !names.includes("Meta")) continue;
    const name = posix.basename(directory);
    found.set(name, [...(found.get(name) ?? []), directory]);
  }
  return found;
});

const dependencies = perPath((directory, context) => rDependencies(context.text(`${directory}/DESCRIPTION`) ?? ""));

/** Whether a package was loaded, and not only listed. */
function isLoaded(directory: string, context: PackContext): boolean {
  return ["R", "libs"].some((part) =>
    (context.children.get(`${directory}/${part}`) ?? []).some((name) => context.isSeen(`${directory}/${part}/${name}`)),
  );
}

type Named = { name: string; by: string };

/** Packages that were loaded, that the application's sources name, and that R loads late. */
const named = oncePerWave((context): Named[] => {
  const loaded = [...installed(context)].filter(([, directories]) =>
    directories.some((directory) => isLoaded(directory, context)),
  );
  const sources = [...context.rootfs.values()].filter(({ path, type }) => type === "file" && isSource(path, context));
  return [
    ...loaded.map(([name, [by = ""]]) => ({ name, by })),
    ...sources.flatMap(({ path }) =>
      rPackages(context.text(path, maxSourceBytes) ?? "").map((name) => ({ name, by: path })),
    ),
    ...late.map((name) => ({ name, by: "R" })),
  ];
});

function isSource(path: string, context: PackContext): boolean {
  if (!context.isApplication(path) || isForDevelopers(path)) return false;
  if (/\.(?:[rR]|[rR]md|qmd|Rnw)$|\/\.?Rprofile(?:\.site)?$/.test(path)) return true;
  const entry = context.rootfs.get(path);
  const mayBeScript = !posix.basename(path).includes(".") && entry !== undefined && (entry.mode & 0o111) !== 0;
  return mayBeScript && entry.size <= maxSourceBytes && /^#!.*\bRscript/.test(context.text(path, maxSourceBytes) ?? "");
}

/** A package as it works: its code is one archive, of which nobody can keep a part. */
function packageFiles(directory: string, by: string, context: PackContext): Wanted[] {
  const files = filesBelow(context, directory, {
    enter: (at, name) => at !== directory || !notAtRunTime.test(name),
    accept: (path) => !/\/(?:NEWS[^/]*|README[^/]*|LICEN[CS]E|INDEX|CITATION)$/.test(path),
    maxBytes: 512 << 20,
  });
  return files.map((path) => byPack("unit", path, by, "R package"));
}

/** Beside the library of base packages lie R's settings and the modules that it opens by name. */
function runtime(context: PackContext): Wanted[] {
  const bases = (installed(context).get("base") ?? []).filter((directory) => isLoaded(directory, context));
  return bases
    .map((directory) => posix.dirname(posix.dirname(directory)))
    .flatMap((home) => [
      ...modules.map((name) => byPack("unit", `${home}/modules/${name}`, home, "R runtime")),
      ...filesBelow(context, `${home}/etc`).map((path) => byPack("unit", path, home, "R runtime")),
    ]);
}

/** R: packages that were loaded or that sources name, whole, with those that they import; R's modules and settings. */
export const r: Pack = {
  name: "r",
  seeds(context) {
    if (!isR(context)) return [];
    const passed = new Set<string>();
    const wanted = runtime(context);
    const todo = [...named(context)];
    for (const { name, by } of todo) {
      // `todo` grows as we walk it
      if (passed.has(name)) continue;
      passed.add(name);
      for (const directory of installed(context).get(name) ?? []) {
        for (const file of packageFiles(directory, by, context)) wanted.push(file);
        for (const each of dependencies(directory, context)) todo.push({ name: each, by: `${directory}/DESCRIPTION` });
      }
    }
    return wanted;
  },
};

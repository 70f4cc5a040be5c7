import { posix } from "node:path";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { filesBelow } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type PackContext } from "./pack.ts";
import { type Distribution, entryPointsOf, installed, isTool, unitOf } from "./python-distributions.ts";
import { moduleGraph } from "./python-graph.ts";
import { mainUnits } from "./python-named.ts";
import { pythonFiles } from "./python-path.ts";
import { sourceAt } from "./python-scan.ts";
import { isCollected } from "./python-static.ts";

/** The reason of modules that no import reaches. */
export const partOfPackage = "python package";

/** Code of a package that the application asks for but that did not run is kept whole up to this size; else what its imports reach. */
const maxAskedBytes = 12 << 20;
/** Data of a package that ran; of more than this only what was seen: service descriptions of clouds, models, corpora. */
const maxDataBytes = 40 << 20;
/** Data of a package that only something else needs. */
const maxReachedDataBytes = 4 << 20;
const never =
  /\.(?:pyi|pyx|pxd|pxi|po|pot|h|hh|hpp|hxx|cuh|c|cc|cpp|cxx|f|f90|a|la|o|rst|md|map|pdb|dll|exe|bat|ps1|whl)$|\/(?:py\.typed|README[^/]*|CHANGE[^/]*|NEWS[^/]*|AUTHORS[^/]*)$/;

const testDirectory = /^(?:tests?|_tests|testsuite|testing_data|benchmarks?|include|__pycache__)$/;

/** Files of a package, without tests, headers, sources of other languages and message catalogs in languages that are not used. */
function unitFiles(context: PackContext, unit: string): string[] {
  const type = context.rootfs.get(unit)?.type;
  if (type !== "directory") return [];
  return filesBelow(context, unit, {
    enter: (_, name) => !testDirectory.test(name),
    accept: (path) =>
      !never.test(path) && (!/\.g?mo$/.test(path) || isSpoken(path, context)) && !isCollected(path, context),
    maxBytes: 1 << 30,
  });
}

/** Languages of the environment and of the application's own catalogs. All, when the application asks its visitors. */
const languages = oncePerWave((context): ReadonlySet<string> | undefined => {
  const spoken = new Set(["en"]);
  for (const name of ["LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES"])
    for (const each of (variable(context.env, name) ?? "").split(":")) spoken.add(languageOf(each));
  for (const path of pythonFiles(context).own) {
    for (const text of sourceAt(path, context).literals)
      if (/LocaleMiddleware$|^accept_languages$/.test(text)) return undefined;
  }
  for (const directory of context.children.keys()) {
    const language = /\/([^/]+)\/LC_MESSAGES$/.exec(directory)?.[1];
    const own = (context.children.get(directory) ?? []).some((name) => context.isApplication(`${directory}/${name}`));
    if (language !== undefined && own) spoken.add(languageOf(language));
  }
  return spoken;
});

const languageOf = (name: string) => name.split(/[_.@-]/)[0]?.toLowerCase() ?? "";

/** Whether a message catalog is one that somebody may read: in a wanted language, of a part of the package that is imported. */
function isSpoken(path: string, context: PackContext): boolean {
  const [, owner, language] = /^(.*)\/(?:locale|locales|translations)\/([^/]+)\/LC_MESSAGES\//.exec(path) ?? [];
  if (owner === undefined || language === undefined) return true;
  const spoken = languages(context);
  if (spoken !== undefined) return spoken.has(languageOf(language));
  return moduleGraph(context).has(`${owner}/__init__.py`);
}

type Use = { unit: string; by: string; state: "seen" | "asked" | "reached" };

/** The packages of sites that are needed, and how: they ran, the application imports them, or something else does. */
export const unitUses = oncePerWave((context): Use[] => {
  const uses = new Map<string, Use>();
  const seen = new Set(
    pythonFiles(context).seen.flatMap((path) => (context.isSeen(path) ? (unitOf(path, context) ?? []) : [])),
  );
  for (const unit of mainUnits(context)) seen.add(unit);
  for (const [path, { level, by }] of moduleGraph(context)) {
    const unit = unitOf(path, context);
    if (unit === undefined || isTool(unit)) continue;
    const state = seen.has(unit) ? "seen" : level === "reached" ? "reached" : "asked";
    if (!uses.has(unit) || state === "asked") uses.set(unit, { unit, by, state });
  }
  return [...uses.values()];
});

/** What a needed package holds besides the modules that imports lead to. */
export function unitWanted(context: PackContext, { unit, by, state }: Use): Wanted[] {
  const files = unitFiles(context, unit);
  const isModule = (path: string) => /\.pyc?$/.test(path);
  const isExtension = (path: string) => path.endsWith(".so");
  const data = files.filter((path) => !isModule(path) && !isExtension(path) && !/\.so\.[\d.]+$/.test(path));
  const bytes = (paths: readonly string[]) => paths.reduce((sum, path) => sum + sizeOf(context, path), 0);
  const source = posix.dirname(by) === "." ? unit : by;
  const unitOfData = bytes(data) <= (state === "reached" ? maxReachedDataBytes : maxDataBytes) ? data : [];
  const wanted = unitOfData.map((path) => byPack("unit", path, unit, "package data", "exist"));
  // Bytecode is made again from a source that is imported after all.
  const code = files.filter(isModule);
  if (state === "reached" || (state === "asked" && bytes(code) > maxAskedBytes)) return wanted;
  // A library beside the code is opened by name (ctypes); that of a package that ran was opened then.
  const loaded = state === "asked" ? files.filter((path) => /\/lib[^/]*\.so[.\d]*$/.test(path)) : [];
  return [
    ...wanted,
    ...code.map((path) => byPack("unit", path, source, partOfPackage, "exist")),
    ...loaded.map((path) => byPack("unit", path, source, partOfPackage)),
  ];
}

const sizeOf = ({ rootfs }: PackContext, path: string) => rootfs.get(path)?.size ?? 0;

/** A record of more is a list of many files, which only uninstalling reads. */
const maxRecordBytes = 64 << 10;
const metadata =
  /^(?:METADATA|PKG-INFO|RECORD|WHEEL|INSTALLER|REQUESTED|entry_points\.txt|top_level\.txt|requires\.txt|namespace_packages\.txt|zip-safe|not-zip-safe|direct_url\.json|installed-files\.txt)$/;

/** The metadata of a distribution (importlib.metadata reads it), without licence texts and a record of many files. */
export function metadataWanted(context: PackContext, { info, name }: Distribution): Wanted[] {
  if (context.rootfs.get(info)?.type !== "directory") return [byPack("unit", info, name, "metadata", "exist")];
  const names = (context.children.get(info) ?? []).filter((each) => metadata.test(each));
  // Without METADATA a distribution has no version and no requirements, and the package may ask for its own.
  const isKept = (each: string) => each !== "RECORD" || sizeOf(context, `${info}/${each}`) <= maxRecordBytes;
  const paths = names.filter(isKept).map((each) => `${info}/${each}`);
  return paths.map((path) => byPack("unit", path, name, "metadata", "exist"));
}

/**
 * The name and version of distributions whose entry points were looked through: one that is found and has no METADATA makes
 * those fail that list distributions.
 */
export function listedMetadata(context: PackContext): Wanted[] {
  return [...installed(context).byName.values()].flatMap(({ info, name }) => {
    const isListed = (context.children.get(info) ?? []).some((each) => context.isSeen(`${info}/${each}`));
    const paths = isListed ? ["METADATA", "PKG-INFO"].map((each) => `${info}/${each}`) : [];
    return paths
      .filter((path) => context.rootfs.has(path))
      .map((path) => byPack("unit", path, name, "metadata", "exist"));
  });
}

/** The commands of the application's own distribution. */
export function commandsWanted(context: PackContext): Wanted[] {
  const { byUnit } = installed(context);
  const own = new Set(mainUnits(context).flatMap((unit) => byUnit.get(unit) ?? []));
  return [...own].flatMap(({ info, site }) =>
    entryPointsOf(info, context)
      .filter(({ group }) => group === "console_scripts")
      .flatMap(({ name }) => [`${posix.resolve(site, "../../../bin")}/${name}`, `/usr/local/bin/${name}`])
      .filter((path) => context.rootfs.has(path))
      .map((path) => byPack("unit", path, info, "console script", "run")),
  );
}

/** Shared libraries that a wheel brings along and its code opens by name; others are found by what links to them. */
export function wheelLibraries(context: PackContext, { site }: Distribution, unit: string): Wanted[] {
  const init = `${unit}/__init__.py`;
  if (!context.rootfs.has(init)) return [];
  const names = (context.children.get(site) ?? []).filter((name) => name.endsWith(".libs"));
  const isNamed = (name: string) =>
    name.slice(0, -5).toLowerCase().replaceAll("-", "_") === posix.basename(unit).toLowerCase() &&
    [...sourceAt(init, context).literals].some((text) => text.endsWith(".libs"));
  return names
    .filter(isNamed)
    .flatMap((name) => filesBelow(context, `${site}/${name}`, { maxBytes: 256 << 20 }))
    .map((path) => byPack("unit", path, unit, "libraries of a wheel"));
}

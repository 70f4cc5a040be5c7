import { perPath } from "./gather.ts";
import type { PackContext } from "./pack.ts";
import type { PythonImport } from "./python-imports.ts";
import { findDotted, findModule, type Module, relativeBase } from "./python-modules.ts";
import { applicationRoots, interpreters } from "./python-path.ts";
import { sourceAt } from "./python-scan.ts";

const dotted = perPath((key, context): Module[] => {
  const [root = "", name = ""] = key.split("\0");
  const libraries = interpreters(context).flatMap(({ library, sites }) => [
    library,
    `${library}/lib-dynload`,
    ...sites,
  ]);
  return findDotted(context, [...(root === "" ? [] : [root]), ...applicationRoots(context), ...libraries], name);
});

/** The modules of a dotted name for a file that imports it, outermost first, as far as they exist. */
export function modulesOf(context: PackContext, name: string, from = ""): Module[] {
  const root = applicationRoots(context).find((each) => from.startsWith(`${each}/`)) ?? "";
  return dotted(`${root}\0${name}`, context);
}

/** The modules that an import loads: every package on the way, the module, and what it names when these are modules. */
export function imported(context: PackContext, path: string, { module, level, names }: PythonImport): Module[] {
  const base = level > 0 ? relativeBase(path, level) : undefined;
  if (level > 0 && base === undefined) return [];
  const words = module === "" ? 0 : module.split(".").length;
  const way =
    base === undefined ? modulesOf(context, module, path) : words === 0 ? [] : findDotted(context, [base], module);
  if (way.length < words) return way;
  const inside = words === 0 && base !== undefined ? [base] : (way.at(-1)?.directories ?? []);
  if (inside.length === 0) return way;
  const listed = names.includes("*") ? inside.flatMap((each) => sourceAt(`${each}/__init__.py`, context).all) : [];
  const found = [...names, ...listed].filter((name) => /^[^\W\d]/.test(name));
  return [...way, ...found.flatMap((name) => findModule(context, inside, name) ?? [])];
}

/** What a text that looks like the name of a module or of something in one (`pkg.module:Class`) leads to. */
export function literal(context: PackContext, text: string, from: string): Module[] {
  const name = text.replace(/:.*$/s, "");
  const words = name.split(".");
  if (words.length < 2 || words.length > 12 || !/^[A-Za-z_][\w.]*$/.test(name)) return [];
  const way = modulesOf(context, name, from);
  // The last words may be a class and its member; one word alone is seldom a module.
  return way.length >= 2 && way.length >= words.length - 2 ? way : [];
}

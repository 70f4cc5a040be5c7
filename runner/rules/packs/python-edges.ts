import { posix } from "node:path";
import { perPath } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { entryPointsOf, installed, isTool, requirements, unitOf } from "./python-distributions.ts";
import { findModule, type Module } from "./python-modules.ts";
import { interpreters } from "./python-path.ts";
import { maxExtensionBytes, sourceAt } from "./python-scan.ts";
import { isSameStandard } from "./python-standard.ts";
import { imported, literal, modulesOf } from "./python-targets.ts";

/**
 * How much of a module counts. `own`: all that it names, and what that imports in its functions; `used`: all that it imports;
 * `reached`: what it imports when it is loaded.
 */
export type Level = "reached" | "used" | "own";

/** Modules that a file leads to, how much of them counts then, and whether nothing can avoid the import. */
export type PythonEdge = [modules: Module[], level: Level, isPlain?: boolean];

const maxLiteralUnitBytes = 8 << 20;

/** What a module's file leads to, by how much of it counts. */
export function edgesOf(context: PackContext, path: string, level: Level): PythonEdge[] {
  if (path.endsWith(".so")) return extensionEdges(context, path);
  const { imports, literals, methods, isLoader } = sourceAt(path, context);
  const next: Level = level === "own" ? "used" : "reached";
  const found: PythonEdge[] = [];
  for (const each of imports) {
    if (each.when === "never") continue;
    const modules = imported(context, path, each);
    if (each.when === "lazy" && level === "reached" && !isSamePackage(context, path, modules)) continue;
    found.push([modules, next, each.isPlain]);
  }
  if (level === "reached") return found;
  for (const text of literals) {
    // A table of optional extensions (PIL.features) is no import of them.
    const named = literal(context, text, path).filter(({ files }) => level === "own" || !files[0]?.endsWith(".so"));
    found.push([named, next]);
    // A list of plug-ins by name: PIL's image formats.
    const beside = isLoader && /^\w{3,}$/.test(text) ? findModule(context, [posix.dirname(path)], text) : undefined;
    if (beside && beside.directories.length === 0) found.push([[beside], next]);
  }
  for (const name of methods) found.push([modulesOf(context, name), "reached"]);
  return level === "own" ? [...found, ...ownLiterals(context, literals)] : found;
}

/** The standard library loads its own parts late: `email.message` its generator, `multiprocessing` its start methods. */
function isSamePackage(context: PackContext, path: string, modules: readonly Module[]): boolean {
  const [first] = modules.at(-1)?.files ?? [];
  return first !== undefined && isSameStandard(path, first, context);
}

function extensionEdges(context: PackContext, path: string): PythonEdge[] {
  const size = context.rootfs.get(path)?.size ?? 0;
  const unit = unitOf(path, context);
  // What a loaded one imports was observed.
  if (context.isSeen(path) || unit === undefined || size > maxExtensionBytes) return [];
  const named = [...sourceAt(path, context).literals].map((text) =>
    text.includes(".") ? literal(context, text, path) : wordModule(context, text, path),
  );
  return [...named, ...requiredModules(unit, context)].map((modules) => [modules, "reached"]);
}

/** One word in an extension module: a module beside it, or a plain file of the standard library. */
function wordModule(context: PackContext, word: string, path: string): Module[] {
  const beside = findModule(context, [posix.dirname(path)], word);
  if (beside) return [beside];
  const libraries = word.length < 4 ? [] : interpreters(context).map(({ library }) => library);
  const found = findModule(context, libraries, word);
  return found && found.directories.length === 0 ? [found] : [];
}

/** The top modules of what a distribution declares to need: its extension modules do not show their imports. */
const requiredModules = perPath((unit, context): Module[][] => {
  const { byUnit, byName, units } = installed(context);
  const needed = (byUnit.get(unit) ?? []).flatMap(({ info }) => [...requirements(info, context)]);
  const tops = needed.flatMap((name) => units.get(byName.get(name)?.info ?? "") ?? []);
  return tops.map((top) => modulesOf(context, posix.basename(top).replace(/\..*$/, "")));
});

/** Single words of the application that are names of packages (`engine="pyarrow"`), or of groups of plug-ins. */
function ownLiterals(context: PackContext, literals: ReadonlySet<string>): PythonEdge[] {
  const found: PythonEdge[] = [];
  for (const word of literals) {
    if (/^\w+$/.test(word) && !isTool(word)) {
      const modules = modulesOf(context, word);
      const unit = unitOf(modules[0]?.files[0] ?? "", context);
      if (unit !== undefined && unitBytes(unit, context) <= maxLiteralUnitBytes) found.push([modules, "used"]);
    }
    for (const module of plugins(context).get(word) ?? []) found.push([modulesOf(context, module), "used"]);
  }
  return found;
}

const unitBytes = perPath((unit, context) => {
  let bytes = 0;
  const todo = [unit];
  for (const at of todo) {
    bytes += context.rootfs.get(at)?.type === "file" ? (context.rootfs.get(at)?.size ?? 0) : 0;
    for (const name of context.children.get(at) ?? []) todo.push(`${at}/${name}`);
    if (bytes > maxLiteralUnitBytes) break;
  }
  return bytes;
});

/** Modules that distributions offer, by the group of their entry points; commands are none. */
const plugins = oncePerWave((context) => {
  const groups = new Map<string, string[]>();
  for (const { info } of installed(context).byName.values()) {
    for (const { group, module } of entryPointsOf(info, context)) {
      if (group !== "console_scripts" && group !== "gui_scripts")
        groups.set(group, [...(groups.get(group) ?? []), module]);
    }
  }
  return groups;
});

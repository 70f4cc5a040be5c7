import { posix } from "node:path";
import { namedPlugins } from "./ansible-collections.ts";
import { fileAt, perPath } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { entryPointsOf, installed, requirements, unitOf } from "./python-distributions.ts";
import { type PythonImport, type PythonSource, pythonImports } from "./python-imports.ts";
import { findDotted, findModule, type Module, relativeBase, sourceOf } from "./python-modules.ts";
import { mainUnits, namedModules } from "./python-named.ts";
import { applicationRoots, interpreters, isStandard, pythonFiles } from "./python-path.ts";

/**
 * How much of a module counts. `own`: all that it names, and what that imports in its functions; `used`: all that it imports;
 * `reached`: what it imports when it is loaded.
 */
type Level = "reached" | "used" | "own";
const rank: Readonly<Record<Level, number>> = { reached: 1, used: 2, own: 3 };

/** A file of a module that may be imported, and who imports it. */
export type ModuleNode = { level: Level; by: string };

/** Tools of developers and toolkits: what the library mentions of them nobody meant. */
const rare =
  /^(?:tkinter|idlelib|test|distutils|lib2to3|pydoc(?:_data)?|turtle(?:demo)?|ensurepip|venv|unittest|doctest|pdb|bdb|cProfile|profile|pstats|trace|curses|readline|rlcompleter|cmd|code|webbrowser|dbm|shelve|msilib|nturl2path|ntpath|_osx_support|_pydecimal|_pyio|antigravity|this)(?:\.|$)/;

/** Tools that install: nothing that runs an application needs them by a mention. */
const tools =
  /^(?:pip|setuptools|wheel|pkg_resources|_distutils_hack|pytest|_pytest|nose|hypothesis|mypy|cython|Cython)$/;

/** Modules that the interpreter's own C code imports when a method is called. */
const byMethod: readonly (readonly [string, string])[] = [
  ["strptime", "_strptime"],
  ["iterdump", "sqlite3.dump"],
  ["N{", "unicodedata"],
  ["resources", "importlib.readers"],
];

/** Whether a package of a site is a tool that installs or tests. */
export const isTool = (unit: string): boolean => tools.test(posix.basename(unit).replace(/\..*$/, ""));

const maxLiteralUnitBytes = 8 << 20;
const maxExtensionBytes = 16 << 20;

/** `isLoader`: it imports modules by computed names. */
type Scanned = PythonSource & { methods: readonly string[]; isLoader: boolean };

const parsed = new WeakMap<Buffer, Scanned>();
const nothing = { imports: [], literals: new Set<string>(), all: [], methods: [], isLoader: false };

/** What a source says. It is kept as long as its bytes are: every wave of reads asks again. */
export function sourceAt(path: string, context: PackContext): Scanned {
  const real = fileAt(context, path);
  const limit = path.endsWith(".so") ? maxExtensionBytes : undefined;
  const bytes = real === undefined ? undefined : context.content(real, limit);
  if (bytes === undefined || real === undefined) return nothing;
  const known = parsed.get(bytes);
  if (known) return known;
  const found = path.endsWith(".so")
    ? { ...nothing, literals: namesInExtension(bytes) }
    : {
        ...pythonImports(context.text(real) ?? ""),
        methods: byMethod.flatMap(([name, module]) => (bytes.includes(name) ? [module] : [])),
        isLoader: path.endsWith("/__init__.py") || bytes.includes("import_module(") || bytes.includes("__import__("),
      };
  parsed.set(bytes, found);
  return found;
}

/** Modules that C code imports stand in it as constants. */
function namesInExtension(bytes: Buffer): Set<string> {
  const names = bytes.toString("latin1").matchAll(/\0([A-Za-z_]\w{0,60}(?:\.\w{1,60}){0,6})(?=\0)/g);
  return new Set([...names].slice(0, 20_000).map(([, name = ""]) => name));
}

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
function literal(context: PackContext, text: string, from: string): Module[] {
  const name = text.replace(/:.*$/s, "");
  const words = name.split(".");
  if (words.length < 2 || words.length > 12 || !/^[A-Za-z_][\w.]*$/.test(name)) return [];
  const way = modulesOf(context, name, from);
  // The last words may be a class and its member; one word alone is seldom a module.
  return way.length >= 2 && way.length >= words.length - 2 ? way : [];
}

/** The files of modules that the application may import, by path as they are found, with who imports them. */
export const moduleGraph = oncePerWave((context): ReadonlyMap<string, ModuleNode> => {
  const graph = new Map<string, ModuleNode>();
  const todo: string[] = [];
  const used = new Set<string>();
  const refused = new Map<string, (() => void)[]>();
  const { own, seen } = pythonFiles(context);
  const owners = (unit: string) => (installed(context).byUnit.get(unit) ?? []).map(({ info }) => info);
  const isUsed = (unit: string) => used.has(unit) || owners(unit).some((info) => used.has(info));

  const add = (path: string, node: ModuleNode) => {
    const known = graph.get(path);
    if (known && rank[known.level] >= rank[node.level]) return;
    graph.set(path, known ? { ...known, level: node.level } : node);
    if (/\.(?:py|so)$/.test(path)) todo.push(path);
    const unit = unitOf(path, context);
    if (unit === undefined || isTool(unit) || used.has(unit)) return;
    for (const each of [unit, ...owners(unit)]) used.add(each);
    for (const retry of refused.get(unit) ?? []) retry();
    refused.delete(unit);
  };
  const seenUnits = new Set(seen.map((path) => unitOf(path, context)));
  const reach = (modules: readonly Module[], from: string, level: Level, isPlain = false) => {
    const own = unitOf(from, context);
    // A package that the application asks for and that did not run is taken as if it had: all its own late imports count.
    const isAsked = own !== undefined && !seenUnits.has(own) && graph.get(from)?.level !== "reached";
    for (const { files } of modules) {
      const [first] = files;
      if (first === undefined) continue;
      if (!mayEnter(from, first, context, isUsed) && !(isPlain && isOfOther(first, context))) {
        const unit = unitOf(first, context);
        if (unit !== undefined && !isTool(unit))
          (refused.get(unit) ?? refused.set(unit, []).get(unit))?.push(() => reach(modules, from, level, isPlain));
        return;
      }
      if (isFrozen(first, context)) continue;
      const reached = isAsked && unitOf(first, context) === own ? "used" : level;
      for (const file of files) add(file, { level: reached, by: from });
    }
  };

  for (const path of own) add(path, { level: "own", by: "application" });
  for (const path of mainSources(context)) add(path, { level: "own", by: "application" });
  for (const path of seen) {
    const source = context.rootfs.has(sourceOf(path)) ? sourceOf(path) : path;
    add(source, { level: isStandard(context, path) ? "reached" : "used", by: path });
  }
  for (const { module, by } of namedModules(context)) reach(modulesOf(context, module), by, "used");
  for (const path of todo) {
    // `todo` grows as we walk it
    const node = graph.get(path);
    if (node)
      for (const [modules, level, isPlain] of edgesOf(context, path, node.level)) reach(modules, path, level, isPlain);
  }
  return graph;
});

/** The application's own code, also where it was installed as a distribution. */
function mainSources(context: PackContext): string[] {
  return mainUnits(context).flatMap((unit) => {
    if (unit.endsWith(".py")) return [unit];
    const found: string[] = [];
    const todo = [unit];
    for (const at of todo) {
      for (const name of context.children.get(at) ?? []) {
        const path = `${at}/${name}`;
        if (/^(?:tests?|__pycache__)$/.test(name)) continue;
        if (context.rootfs.get(path)?.type === "directory") todo.push(path);
        else if (name.endsWith(".py")) found.push(path);
      }
    }
    return found.slice(0, 20_000);
  });
}

/** A distribution that is no tool: what an import that no one can avoid names is needed, declared or not. */
function isOfOther(path: string, context: PackContext): boolean {
  const unit = unitOf(path, context);
  return unit !== undefined && !isTool(unit);
}

/** May what is in one file lead to another? Into a third-party package only when that is used, or a declared requirement. */
function mayEnter(from: string, to: string, context: PackContext, isUsed: (unit: string) => boolean): boolean {
  const target = unitOf(to, context);
  const isOurs = isApplicationSource(from, context);
  if (target === undefined) return isOurs || !isStandard(context, to) || !rare.test(standardName(context, to));
  const own = unitOf(from, context);
  if (own === target) return true;
  if (isTool(target)) return isOurs && own === undefined;
  if (isUsed(target)) return true;
  if (isOurs && (own === undefined || pluginSet(context).has(from))) return true;
  const { byUnit } = installed(context);
  const [mine, theirs] = [byUnit.get(own ?? "") ?? [], byUnit.get(target) ?? []];
  return mine.some(({ info }) =>
    theirs.some((each) => each.info === info || requirements(info, context).has(each.name)),
  );
}

function isApplicationSource(path: string, context: PackContext): boolean {
  return unitOf(path, context) === undefined
    ? !isStandard(context, path)
    : mainUnitSet(context).has(unitOf(path, context) ?? "");
}

const mainUnitSet = oncePerWave((context) => new Set(mainUnits(context)));

/** Plugins that the application names declare no requirements of their own. */
const pluginSet = oncePerWave((context) => new Set(namedPlugins(context).map(({ path }) => path)));

/** Since 3.11 the first modules of every start are in the interpreter itself: their files are not read then. */
function isFrozen(path: string, context: PackContext): boolean {
  const library = frozenLibraries(context).find((each) => path.startsWith(`${each}/`));
  return library !== undefined && frozen.test(standardName(context, path));
}

const frozenLibraries = oncePerWave((context) => {
  const seen = new Set(pythonFiles(context).seen.map(sourceOf));
  return interpreters(context).flatMap(({ library }) => (seen.has(`${library}/os.py`) ? [] : [library]));
});

const frozen =
  /^(?:os|io|abc|codecs|site|stat|posixpath|genericpath|_collections_abc|_sitebuiltins|zipimport|runpy|importlib\.(?:_bootstrap(?:_external)?|util|machinery|_abc))$/;

/** May a file that no import reaches lead to this one? Into the standard library, and into packages that are needed
 * anyway; from a part of a package not into itself, because it is kept whole. */
export function mayFollow(from: string, isPart: boolean, path: string, context: PackContext): boolean {
  if (isStandard(context, path)) return !rare.test(standardName(context, path)) && !isFrozen(path, context);
  const unit = unitOf(path, context);
  return (
    unit !== undefined &&
    !(isPart && unit === unitOf(from, context)) &&
    path.endsWith(".py") &&
    unitsInGraph(context).has(unit)
  );
}

const unitsInGraph = oncePerWave(
  (context) => new Set([...moduleGraph(context).keys()].map((path) => unitOf(path, context))),
);

/** `email.message` of a file of the standard library, whatever its ending and tag. */
function standardName(context: PackContext, path: string): string {
  const library = interpreters(context).find((each) => path.startsWith(`${each.library}/`))?.library ?? "";
  const inside = path.slice(library.length + 1).replace(/^lib-dynload\//, "");
  return inside.replace(/(\/[^/.]+|^[^/.]+)\.[^/]*$/, "$1").replaceAll("/", ".");
}

function edgesOf(context: PackContext, path: string, level: Level): [Module[], Level, boolean?][] {
  if (path.endsWith(".so")) return extensionEdges(context, path);
  const { imports, literals, methods, isLoader } = sourceAt(path, context);
  const next: Level = level === "own" ? "used" : "reached";
  const found: [Module[], Level, boolean?][] = [];
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
  if (first === undefined || !isStandard(context, path) || !isStandard(context, first)) return false;
  return standardName(context, path).split(".")[0] === standardName(context, first).split(".")[0];
}

function extensionEdges(context: PackContext, path: string): [Module[], Level][] {
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
function ownLiterals(context: PackContext, literals: ReadonlySet<string>): [Module[], Level][] {
  const found: [Module[], Level][] = [];
  for (const word of literals) {
    if (/^\w+$/.test(word) && !tools.test(word)) {
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

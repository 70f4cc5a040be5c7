import { posix } from "node:path";
import { directoryAt, perPath } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { interpreters } from "./python-path.ts";

/** Files of a module as the search spells them, and the directories in which its submodules are. */
export type Module = { files: readonly string[]; directories: readonly string[] };

/** Extension modules of a directory by the name under which they are imported: `_ssl` of `_ssl.cpython-311-x86_64-linux-gnu.so`. */
const extensionsIn = perPath((directory, { children }): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, string[]>();
  for (const name of children.get(directory) ?? []) {
    if (!name.endsWith(".so")) continue;
    const stem = name.slice(0, name.indexOf("."));
    for (const each of new Set([stem, stem.replace(/module$/, "")]))
      found.set(each, [...(found.get(each) ?? []), name]);
  }
  return found;
});

const tags = oncePerWave((context) => [...new Set(interpreters(context).flatMap((each) => each.tags))]);

/** A source with its cached bytecode, by the tags of the interpreters in use, or bytecode alone. */
export function sourceFiles(context: PackContext, directory: string, stem: string): string[] {
  const { rootfs } = context;
  const cached = tags(context).map((tag) => `${directory}/__pycache__/${stem}.${tag}.pyc`);
  const beside = [`${directory}/${stem}.py`, `${directory}/${stem}.pyc`];
  const files = beside.filter((path) => rootfs.has(path));
  // Cached bytecode without its source is not imported.
  return files.length === 0 ? [] : [...files, ...cached.filter((path) => rootfs.has(path))];
}

/**
 * What `name`, one word, is in the first of the directories that has it: a regular package, an extension module, a source or
 * bytecode. Directories of that name without an `__init__` make a namespace package together when nothing else has it.
 */
export function findModule(context: PackContext, directories: readonly string[], name: string): Module | undefined {
  const portions: string[] = [];
  for (const directory of directories) {
    const inside = `${directory}/${name}`;
    const entry = context.rootfs.get(inside);
    const isLink = entry?.type === "symlink";
    const real = entry?.type === "directory" || isLink ? directoryAt(context, inside) : undefined;
    if (real !== undefined) {
      const init = [...sourceFiles(context, real, "__init__"), ...extensionPaths(context, real, "__init__")];
      if (init.length > 0) return { files: isLink ? [...init, inside] : init, directories: [real] };
    }
    const files = [...extensionPaths(context, directory, name), ...sourceFiles(context, directory, name)];
    if (files.length > 0) return { files, directories: [] };
    if (real !== undefined) portions.push(real);
  }
  return portions.length > 0 ? { files: [], directories: portions } : undefined;
}

function extensionPaths(context: PackContext, directory: string, name: string): string[] {
  return (extensionsIn(directory, context).get(name) ?? []).map((file) => `${directory}/${file}`);
}

/** The modules on the way of a dotted name, outermost first, as far as they exist. */
export function findDotted(context: PackContext, directories: readonly string[], dotted: string): Module[] {
  const found: Module[] = [];
  let inside = directories;
  for (const name of dotted.split(".").slice(0, 30)) {
    const module = name === "" ? undefined : findModule(context, inside, name);
    if (!module) break;
    found.push(module);
    inside = module.directories;
  }
  return found;
}

/** The directory in which a file's import with `level` dots looks; undefined when it leaves the root. */
export function relativeBase(file: string, level: number): string | undefined {
  let directory = posix.dirname(file);
  for (let left = Math.min(level, 100); left > 1 && directory !== "/"; left--) directory = posix.dirname(directory);
  return directory === "/" ? undefined : directory;
}

/** `a/b.py` of `a/__pycache__/b.cpython-311.pyc` and of `a/b.pyc`; any other path as it is. */
export function sourceOf(path: string): string {
  if (!path.endsWith(".pyc")) return path;
  const [, directory, stem] = /^(.*)\/__pycache__\/([^/]+?)\.[\w-]+(?:\.opt-\d)?\.pyc$/.exec(path) ?? [];
  return directory !== undefined ? `${directory}/${stem}.py` : path.slice(0, -1);
}

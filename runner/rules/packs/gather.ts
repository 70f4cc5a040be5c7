import { posix } from "node:path";
import { type Entry, resolvePath } from "../../rootfs.ts";
import type { Wanted } from "../wanted.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type PackContext } from "./pack.ts";

/** What `compute` says of a path or a name, asked once for each context, which is once for each wave. */
export function perPath<T>(
  compute: (path: string, context: PackContext) => T,
): (path: string, context: PackContext) => T {
  const tables = oncePerWave(() => new Map<string, T>());
  return (path, context) => {
    const table = tables(context);
    const known = table.get(path);
    if (known !== undefined || table.has(path)) return known as T; // the table holds what `compute` gave
    const answer = compute(path, context);
    table.set(path, answer);
    return answer;
  };
}

export type Bounds = {
  /** Which files and links are taken; the path is below the directory that was asked for. */
  accept?: (path: string, entry: Entry) => boolean;
  /** Which directories are gone into. */
  enter?: (directory: string, name: string) => boolean;
  /** Nothing at all is taken from a tree that is larger than this: half a tree helps nobody. */
  maxBytes?: number;
  maxFiles?: number;
};

/**
 * The files and symbolic links below a directory, as real paths, directories in the order of the index. Links are not
 * followed. Empty when the tree is larger than its bounds (default 64 MiB, 40,000 files).
 */
export function filesBelow(context: PackContext, directory: string, bounds: Bounds = {}): string[] {
  const { accept = () => true, enter = () => true, maxBytes = 64 << 20, maxFiles = 40_000 } = bounds;
  const files: string[] = [];
  let bytes = 0;
  const todo = [directory];
  for (const at of todo) {
    for (const name of context.children.get(at) ?? []) {
      const path = at === "/" ? `/${name}` : `${at}/${name}`;
      const entry = context.rootfs.get(path);
      if (entry?.type === "directory") {
        if (enter(at, name)) todo.push(path);
      } else if ((entry?.type === "file" || entry?.type === "symlink") && accept(path, entry)) {
        files.push(path);
        bytes += entry.type === "file" ? entry.size : 0;
        if (bytes > maxBytes || files.length > maxFiles) return [];
      }
    }
  }
  return files;
}

/** What `filesBelow` finds, as wanted by the pack. */
export function unitBelow(
  context: PackContext,
  directory: string,
  by: string,
  detail: string,
  bounds: Bounds = {},
): Wanted[] {
  return filesBelow(context, directory, bounds).map((path) => byPack("unit", path, by, detail));
}

/** The real path of what `path` leads to, when that is a regular file. */
export function fileAt(context: PackContext, path: string): string | undefined {
  const entry = context.rootfs.get(path);
  if (entry?.type === "file") return path;
  const found = resolvePath(context.rootfs, path);
  return "path" in found && found.entry.type === "file" ? found.path : undefined;
}

/** The real path of what `path` leads to, when that is a directory. */
export function directoryAt(context: PackContext, path: string): string | undefined {
  if (context.rootfs.get(path)?.type === "directory") return path;
  const found = resolvePath(context.rootfs, path);
  return "path" in found && found.entry.type === "directory" ? found.path : undefined;
}

/** The names in a directory that fit, as paths. */
export function childPaths(context: PackContext, directory: string, fits: RegExp): string[] {
  const names = context.children.get(directory) ?? [];
  return names.filter((name) => fits.test(name)).map((name) => posix.join(directory, name));
}

/** Did a program of that name run? `name` is matched against the base name of the executable and of `argv[0]`. */
export function ran(context: PackContext, name: RegExp): boolean {
  return context.processes.some(
    ({ exe, argv }) => name.test(posix.basename(exe)) || name.test(posix.basename(argv[0] ?? "")),
  );
}

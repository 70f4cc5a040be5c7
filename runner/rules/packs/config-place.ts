import { posix } from "node:path";
import { compileGlob } from "../../glob.ts";
import { directoryAt } from "./gather.ts";
import { realPath } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";

/** One configuration looks at no more names than this to find what its patterns stand for. */
const maxNames = 200_000;
const maxMatches = 2000;

/**
 * Finds what a path or pattern (`*`, `?`, `[set]`; a star never starts a hidden name) leads to, spelled by the names in the
 * rootfs. Part by part, so that only directories on the way are looked at, each name once; a finder that has looked at too many
 * finds nothing more, because links that lead back make a hostile image endless. Wrong patterns find nothing: the image wrote them.
 */
export function finder(context: PackContext): (pattern: string) => string[] {
  const known = new Map<string, string[]>();
  let looked = 0;

  function step(directories: string[], part: string): string[] {
    if (!/[*?[]/.test(part)) return directories.map((directory) => `${directory}/${part}`);
    const matches = matcher(part);
    const found: string[] = [];
    for (const directory of directories) {
      const names = context.children.get(realPath(context, directory || "/") ?? "") ?? [];
      looked += names.length + 1;
      if (looked > maxNames || found.length > maxMatches) return [];
      // One by one: the arguments of a call are bounded, the names in a directory are not.
      for (const name of names) if (matches(name)) found.push(`${directory}/${name}`);
    }
    return found;
  }

  return (pattern) => {
    const before = known.get(pattern);
    if (before) return before;
    const parts = pattern.split("/").filter(Boolean);
    const ends = pattern.length > 4096 ? [] : parts.reduce(step, [""]);
    const found = ends.map((path) => path || "/").filter((path) => realPath(context, path) !== undefined);
    const some = found.slice(0, maxMatches).sort();
    known.set(pattern, some);
    return some;
  };
}

function matcher(part: string): (name: string) => boolean {
  try {
    // Braces and backslashes are the user's globs only.
    const matches = compileGlob(`/${part.replace(/[\\{},]/g, "\\$&").replace(/\*{2,}/g, "*")}`);
    return (name) => (part.startsWith(".") || !name.startsWith(".")) && matches(`/${name}`);
  } catch {
    return () => false; // see `finder`
  }
}

/** The real directories that a pattern stands for. */
export function directoriesLike(context: PackContext, patterns: readonly string[]): string[] {
  const find = finder(context);
  return [...new Set(patterns.flatMap(find).flatMap((path) => directoryAt(context, posix.normalize(path)) ?? []))];
}

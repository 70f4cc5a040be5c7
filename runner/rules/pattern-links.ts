import { posix } from "node:path";
import { escapeGlob, expandGlob, splitGlob } from "../glob.ts";
import { type Rootfs, resolvePath } from "../rootfs.ts";

/**
 * What a user's pattern means on this rootfs when directories in its literal part are symbolic links: the pattern over real
 * paths, and the links that it goes through. Alternatives without links on their way are left out: the pattern itself matches those.
 */
export function throughLinks(rootfs: Rootfs, pattern: string): { pattern: string; links: string[] }[] {
  return expandGlob(pattern).flatMap((alternative) => {
    const { literal, rest } = splitGlob(alternative);
    // A pattern without special characters names an entry, and a link of that name is meant itself: follow only what leads to it.
    const directory = resolvePath(rootfs, rest === "" ? posix.dirname(literal) : literal);
    if ("missing" in directory || directory.links.length === 0) return [];
    const tail = rest === "" ? escapeGlob(posix.basename(literal)) : rest;
    const head = directory.path === "/" ? "" : escapeGlob(directory.path);
    return [{ pattern: `${head}/${tail}`, links: directory.links }];
  });
}

import { posix } from "node:path";
import type { Warning } from "#contract/report.ts";
import { compileGlob, expandGlob, splitGlob } from "../glob.ts";
import { type Rootfs, resolvePath } from "../rootfs.ts";
import { isNeverKept } from "./never.ts";
import { throughLinks } from "./pattern-links.ts";
import type { Wanted } from "./wanted.ts";

/**
 * What the user asked to keep: every entry that a pattern matches, and all below a matched directory. A pattern that names a
 * symbolic link to a directory stands for what is below its target as well. A pattern that matches nothing is a warning.
 * Throws `request.invalid` for a pattern that cannot be read.
 */
export function pinned(rootfs: Rootfs, patterns: readonly string[]): { wanted: Wanted[]; warnings: Warning[] } {
  const wanted: Wanted[] = [];
  const warnings: Warning[] = [];
  for (const pattern of patterns) {
    const before = wanted.length;
    const pin = (path: string, executable: boolean) =>
      wanted.push({ path, reason: { kind: "pinned", by: pattern }, use: executable ? "run" : "load" });
    const linked = throughLinks(rootfs, pattern);
    const globs = [pattern, ...linked.map((each) => each.pattern)].map((each) => compileGlob(each));
    const tops = linkedDirectories(rootfs, pattern);
    const inside = new Map<string, boolean>();
    /** Whether the path or a directory above it is meant; entries come in any order. */
    const isMeant = (path: string): boolean => {
      const known = inside.get(path);
      if (known !== undefined) return known;
      const answer =
        tops.has(path) || globs.some((matches) => matches(path)) || (path !== "/" && isMeant(posix.dirname(path)));
      inside.set(path, answer);
      return answer;
    };
    for (const [path, entry] of rootfs)
      if (isMeant(path) && !isNeverKept(entry)) pin(path, entry.type === "file" && (entry.mode & 0o111) !== 0);
    if (wanted.length === before)
      warnings.push({
        code: "include.matches-nothing",
        text: `No entry of the image matches the include path "${pattern}".`,
      });
    else for (const link of linked.flatMap((each) => each.links)) pin(link, false);
  }
  return { wanted, warnings };
}

/** Directories behind the links that a pattern without special characters names. */
function linkedDirectories(rootfs: Rootfs, pattern: string): Set<string> {
  const found = expandGlob(pattern).flatMap((alternative) => {
    const { literal, rest } = splitGlob(alternative);
    const target = rest === "" ? resolvePath(rootfs, literal) : undefined;
    return target && "path" in target && target.entry.type === "directory" ? [target.path] : [];
  });
  return new Set(found);
}

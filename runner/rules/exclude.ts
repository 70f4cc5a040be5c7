import { posix } from "node:path";
import type { Keep } from "#contract/job.ts";
import { ruleName } from "#contract/keep.ts";
import type { Warning } from "#contract/report.ts";
import { compileGlob } from "../glob.ts";
import type { Rootfs } from "../rootfs.ts";
import { namedBy } from "./named-by.ts";
import { throughLinks } from "./pattern-links.ts";

/**
 * Tells which of the user's patterns, if any, takes a path of the rootfs away: the first that matches it or a directory above
 * it. A pattern also counts for what it names through symbolic links (`/bin/sh` where `/bin` is a link to `usr/bin`).
 * Throws `request.invalid` for a pattern that cannot be read.
 */
export function exclusion(rootfs: Rootfs, patterns: readonly string[]): (path: string) => string | undefined {
  const globs = patterns.map((pattern) => {
    const spellings = [compileGlob(pattern), ...throughLinks(rootfs, pattern).map((each) => compileGlob(each.pattern))];
    return { pattern, matches: (path: string) => spellings.some((matches) => matches(path)) };
  });
  if (globs.length === 0) return () => undefined;
  const known = new Map<string, string | undefined>();
  const excludedBy = (path: string): string | undefined => {
    if (known.has(path)) return known.get(path);
    const above = path === "/" ? undefined : excludedBy(posix.dirname(path));
    const answer = above ?? globs.find((glob) => glob.matches(path))?.pattern;
    known.set(path, answer);
    return answer;
  };
  return excludedBy;
}

/** Warns of patterns that name no entry of the image at all. */
export function idleExcludes(
  rootfs: Rootfs,
  { excludePatterns, readFrom }: Pick<Keep, "excludePatterns" | "readFrom">,
): Warning[] {
  return excludePatterns
    .filter((pattern) => namedBy(rootfs, pattern).paths.size === 0)
    .map((pattern) => {
      const place = readFrom[ruleName("exclude-pattern", pattern)];
      const text = `No entry of the image matches the exclude pattern "${pattern}"${place === undefined ? "" : ` (${place})`}.`;
      return { code: "exclude.matches-nothing", text };
    });
}

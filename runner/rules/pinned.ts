import type { Keep } from "#contract/job.ts";
import { ruleName } from "#contract/keep.ts";
import type { Warning } from "#contract/report.ts";
import { below, type Rootfs } from "../rootfs.ts";
import { namedBy } from "./named-by.ts";
import { isNeverKept } from "./never.ts";
import type { Wanted } from "./wanted.ts";

type Rules = Pick<Keep, "includePaths"> & Partial<Pick<Keep, "readFrom">>;

/**
 * What the user asked to keep by path: every entry that a pattern matches, and all below a matched directory. A pattern that
 * names a symbolic link to a directory stands for what is below its target as well. A pattern that matches nothing is a
 * warning. Throws `request.invalid` for a pattern that cannot be read.
 */
export function pinned(
  rootfs: Rootfs,
  { includePaths, readFrom = {} }: Rules,
): { wanted: Wanted[]; warnings: Warning[] } {
  const wanted: Wanted[] = [];
  const warnings: Warning[] = [];
  for (const pattern of includePaths) {
    const { paths, links } = namedBy(rootfs, pattern);
    const meant = new Set([...paths].flatMap((path) => (isBelow(path, paths) ? [] : [path, ...below(rootfs, path)])));
    const pins = [...meant].filter((path) => {
      const entry = rootfs.get(path);
      return entry && !isNeverKept(entry);
    });
    for (const path of pins) wanted.push({ path, reason: { kind: "pinned", by: pattern }, use: useOf(rootfs, path) });
    for (const path of pins.length > 0 ? links : [])
      wanted.push({ path, reason: { kind: "pinned", by: pattern }, use: "load" });
    const place = readFrom[ruleName("include-path", pattern)];
    if (pins.length === 0)
      warnings.push({
        code: "include.matches-nothing",
        text: `No entry of the image matches the include path "${pattern}"${place === undefined ? "" : ` (${place})`}.`,
      });
  }
  return { wanted, warnings };
}

/** Whether a directory above it is meant: what is below that comes with it. */
function isBelow(path: string, paths: ReadonlySet<string>): boolean {
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1))
    if (paths.has(path.slice(0, at))) return true;
  return path !== "/" && paths.has("/");
}

function useOf(rootfs: Rootfs, path: string): Wanted["use"] {
  const entry = rootfs.get(path);
  return entry?.type === "file" && (entry.mode & 0o111) !== 0 ? "run" : "load";
}

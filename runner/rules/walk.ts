import { posix } from "node:path";
import type { Warning } from "#contract/report.ts";
import type { KeepSet, Reason } from "../keep-set.ts";
import type { Rootfs } from "../rootfs.ts";
import { isNeverKept } from "./never.ts";
import { type Place, placing } from "./place.ts";
import type { Wanted } from "./wanted.ts";

/** What an exclude pattern took away, of what would have been kept. Bytes of files, hard links once. */
export type Excluded = { pattern: string; entries: number; bytes: number };

export type Walked = { kept: KeepSet; excluded: Excluded[]; warnings: Warning[] };

type Graph = {
  rootfs: Rootfs;
  patterns: readonly string[];
  excludedBy(path: string): string | undefined;
  /** What an entry asks for besides its directories and its link target. Called once for each way in which it is used. */
  edges(place: Place, wanted: Wanted): Wanted[];
};

/**
 * The closure of what is wanted over the file graph: with every entry all directories above it, the links that its spelling
 * goes through, a link's target, and the graph's edges. In order: the first reason to reach an entry is the one that stands.
 */
export function walk(wanted: readonly Wanted[], { rootfs, patterns, excludedBy, edges }: Graph): Walked {
  const kept = new Map<string, Reason>();
  const removed = new Map<string, Set<string>>(patterns.map((pattern) => [pattern, new Set()]));
  const broken = new Map<string, Set<string>>();
  const place = placing(rootfs);
  const passed = new Set<string>();
  const todo = [...wanted];
  for (const next of todo) {
    // `todo` grows as we walk it
    const found = place(next.path);
    if (!found || isNeverKept(found.entry)) continue;
    const { path, entry } = found;
    const pattern = excludedBy(path);
    // An image without a root is none, whatever the pattern.
    if (pattern !== undefined && path !== "/") {
      removed.get(pattern)?.add(path);
      if (/^(target|needed|script)$/.test(next.reason.kind))
        broken.set(pattern, (broken.get(pattern) ?? new Set()).add(`${next.reason.by} without ${path}`));
      continue;
    }
    for (const each of found.passed) if (!kept.has(each)) todo.push({ path: each, reason: next.reason, use: "exist" });
    const isNew = !kept.has(path);
    if (isNew) {
      kept.set(path, next.reason);
      const parent = posix.dirname(path);
      if (!kept.has(parent)) todo.push({ path: parent, reason: { kind: "parent", by: path }, use: "exist" });
    }
    if (next.use === "exist") {
      if (!isNew) continue;
    } else {
      const way = [path, next.use, next.origin, next.context?.libc, ...(next.context?.inherited ?? [])].join("\0");
      if (passed.has(way)) continue;
      passed.add(way);
    }
    if (entry.target !== undefined) {
      const target = entry.target.startsWith("/") ? entry.target : `${posix.dirname(path)}/${entry.target}`;
      const origin = next.origin ?? posix.dirname(next.path);
      todo.push({ ...next, path: target, reason: { kind: "target", by: path }, origin });
    }
    for (const each of edges(found, next)) todo.push(each); // one by one: there may be more than a call can have arguments
  }
  return { kept, excluded: patterns.map((pattern) => measure(pattern, removed, rootfs)), warnings: breaks(broken) };
}

function measure(pattern: string, removed: ReadonlyMap<string, ReadonlySet<string>>, rootfs: Rootfs): Excluded {
  const paths = [...(removed.get(pattern) ?? [])];
  const inodes = new Map(paths.map((path) => [rootfs.get(path)?.inode, rootfs.get(path)]));
  const files = [...inodes.values()].filter((entry) => entry?.type === "file");
  return { pattern, entries: paths.length, bytes: files.reduce((sum, entry) => sum + (entry?.size ?? 0), 0) };
}

function breaks(broken: ReadonlyMap<string, ReadonlySet<string>>): Warning[] {
  return [...broken].map(([pattern, all]) => {
    const cases = [...all];
    const more = cases.length > 3 ? ` and ${cases.length - 3} more` : "";
    return {
      code: "exclude.breaks",
      text: `The exclude pattern "${pattern}" leaves ${cases.slice(0, 3).join(", ")}${more}.`,
    };
  });
}

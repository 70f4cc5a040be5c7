import { type KeepSet, type ReasonKind, reasonChain } from "#runner/keep-set.ts";
import type { Rootfs } from "#runner/rootfs.ts";
import { filesBytes } from "#runner/rootfs-size.ts";
import { median } from "./table.ts";

/** What the regular files of a keep set hold, bytes. */
export const keptBytes = (rootfs: Rootfs, kept: KeepSet): number =>
  filesBytes([...kept.keys()].flatMap((path) => rootfs.get(path) ?? []));

/** The smallest of the values that at least this share of them does not exceed. NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Entries of `all` that `kept` has not, in order. */
export const lacking = (all: Iterable<string>, kept: KeepSet): string[] =>
  [...all].filter((path) => !kept.has(path)).sort();

/** Files of a keep set that no endpoint opens and what they hold, bytes, by the rule that keeps them; the largest first. */
export type Addition = { by: string; bytes: number; largest: { path: string; bytes: number }[] };

/** What a keep set holds beyond the files that were opened, by rule, so that a size above its goal explains itself. */
export function additions(rootfs: Rootfs, kept: KeepSet, opened: ReadonlySet<string>): Addition[] {
  const inodes = new Set([...opened].map((path) => rootfs.get(path)?.inode));
  const byRule = new Map<string, Addition["largest"]>();
  for (const path of kept.keys()) {
    const entry = rootfs.get(path);
    if (entry?.type !== "file" || inodes.has(entry.inode)) continue;
    inodes.add(entry.inode);
    const rule = ruleOf(kept, path);
    byRule.set(rule, [...(byRule.get(rule) ?? []), { path, bytes: entry.size }]);
  }
  return [...byRule]
    .map(([by, files]) => ({
      by,
      bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
      largest: files.toSorted((a, b) => b.bytes - a.bytes).slice(0, 5),
    }))
    .sort((a, b) => b.bytes - a.bytes);
}

/** Reasons that follow from another entry by themselves: the cost is that entry's. */
const consequences: ReadonlySet<ReasonKind> = new Set(["target", "needed", "parent"]);

/** The rule that an entry is kept for in the end, without the entry that it was applied to. */
function ruleOf(kept: KeepSet, path: string): string {
  const chain = reasonChain(kept, path);
  const found = chain.find(({ reason }) => !consequences.has(reason.kind)) ?? chain.at(-1);
  if (!found) return "unknown";
  const { kind, by, detail } = found.reason;
  if (!by.startsWith("/")) return `${kind} ${by}`;
  return detail === undefined || consequences.has(kind) ? kind : `${kind} ${detail}`;
}

/** Sizes against the bound: `exact` within 1.02 each; otherwise the median within 1.08 and nine in ten within 1.25. */
export function sizeGoals(profile: string, ratios: readonly number[]): { name: string; isMet: boolean | undefined }[] {
  const isMet = (value: number, limit: number) => (ratios.length > 0 ? value <= limit : undefined);
  if (profile === "exact") return [{ name: "size <= 1.02", isMet: isMet(Math.max(...ratios), 1.02) }];
  return [
    { name: "median <= 1.08", isMet: isMet(median(ratios), 1.08) },
    { name: "90th percentile <= 1.25", isMet: isMet(percentile(ratios, 0.9), 1.25) },
  ];
}

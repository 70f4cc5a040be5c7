import type { Amount } from "#contract/graph.ts";
import type { Report } from "#contract/report.ts";
import type { KeepSet } from "../keep-set.ts";
import type { Entry, Rootfs } from "../rootfs.ts";
import { type Owners, ownerName } from "./package-owners.ts";

/** What became of the entries of one owner. */
export type Share = { kept: Amount; removed: Amount };

/** The shares of all packages, by their position in `owners.packages`, and of what no package owns. */
export type Shares = { packages: readonly Share[]; unowned: Share };

const noShare = (): Share => ({
  kept: { entries: 0, files: 0, bytes: 0 },
  removed: { entries: 0, files: 0, bytes: 0 },
});

/**
 * What was kept and removed of each package. A hard link counts where its file is met first, and in what was removed only
 * when no link to the file was kept: else its removal freed nothing.
 */
export function sharesOf(rootfs: Rootfs, kept: KeepSet, owners: Owners): Shares {
  const packages = owners.packages.map(noShare);
  const unowned = noShare();
  const counted = new Set<string>();
  const count = (entry: Entry, part: keyof Share) => {
    const amount = (packages[owners.of(entry.path)] ?? unowned)[part];
    amount.entries += 1;
    if (entry.type !== "file") return;
    amount.files += 1;
    if (entry.links > 1 && counted.has(entry.inode)) return;
    if (entry.links > 1) counted.add(entry.inode);
    amount.bytes += entry.size;
  };
  for (const entry of rootfs.values()) if (kept.has(entry.path)) count(entry, "kept");
  for (const entry of rootfs.values()) if (!kept.has(entry.path)) count(entry, "removed");
  return { packages, unowned };
}

const mostOwners = 20;

/** For the report: the owners that lost most, copies of a package together, those that lost nothing left out. */
export function removedByOwner(owners: Owners, { packages, unowned }: Shares): Report["removed"] {
  const sums = new Map<string | null, Amount>([[null, { ...unowned.removed }]]);
  for (const [at, { removed }] of packages.entries()) {
    const owner = owners.packages[at];
    const name = owner === undefined ? null : ownerName(owner);
    const { entries, files, bytes } = sums.get(name) ?? { entries: 0, files: 0, bytes: 0 };
    sums.set(name, { entries: entries + removed.entries, files: files + removed.files, bytes: bytes + removed.bytes });
  }
  return [...sums]
    .map(([owner, amount]) => ({ owner, ...amount }))
    .filter(({ entries }) => entries > 0)
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, mostOwners);
}

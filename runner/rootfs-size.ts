import type { Entry, Rootfs } from "./rootfs.ts";

/** What the regular files among these entries hold, bytes; hard links to one file count once. */
export function filesBytes(entries: Iterable<Entry>): number {
  const counted = new Set<string>();
  let bytes = 0;
  for (const entry of entries) {
    if (entry.type !== "file") continue;
    if (entry.links > 1) {
      if (counted.has(entry.inode)) continue;
      counted.add(entry.inode);
    }
    bytes += entry.size;
  }
  return bytes;
}

/** Size of a flattened rootfs, bytes: what its files hold. Engines count the same thing in ways of their own. */
export const rootfsBytes = (rootfs: Rootfs): number => filesBytes(rootfs.values());

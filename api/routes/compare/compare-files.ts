import type { Comparison } from "#contract/service/image-view.ts";
import type { KeptFile } from "./kept-files.ts";

/** Of each list. */
export const maxListed = 1000;

/** Paths that only one of the two images has, the largest first, and how many each has. */
export async function compareFiles(from: AsyncIterable<KeptFile>, to: AsyncIterable<KeptFile>) {
  const only = new Map<string, number>();
  for await (const { path, bytes } of from) only.set(path, bytes);
  const entries = { from: only.size, to: 0 };
  const added: KeptFile[] = [];
  let isCut = false;
  for await (const file of to) {
    entries.to += 1;
    if (only.delete(file.path)) continue;
    added.push(file);
    if (added.length < 50 * maxListed) continue;
    isCut = true;
    added.sort(largestFirst).splice(maxListed);
  }
  const removed = [...only].map(([path, bytes]) => ({ path, bytes }));
  isCut ||= added.length > maxListed || removed.length > maxListed;
  return { entries, added: cut(added), removed: cut(removed), isCut };
}

export function changeOf(from: number | null, to: number | null): Comparison["figures"]["ratio"] {
  return { from, to, change: from && to !== null ? to / from - 1 : null };
}

function cut(files: KeptFile[]): KeptFile[] {
  return files.sort(largestFirst).slice(0, maxListed);
}

function largestFirst(a: KeptFile, b: KeptFile): number {
  return b.bytes - a.bytes || (a.path < b.path ? -1 : 1);
}

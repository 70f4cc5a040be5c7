import { posix } from "node:path";
import type { GraphReader, KeptEntry } from "#runner/report/graph-read.ts";

/** How many single characters have to be put in, taken out or changed; `limit` + 1 for all that is more. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(changed, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    if (Math.min(...row) > limit) return limit + 1;
    above = row;
  }
  return above[b.length] ?? 0;
}

const shown = 5;

/** Gathers the few paths that somebody may have meant by a path that is not there; takes one path of the image at a time. */
export function nearNames(missing: string): { consider(path: string): void; best(): string[] } {
  const [directory, name] = [posix.dirname(missing), posix.basename(missing)];
  const limit = Math.max(1, Math.floor(name.length / 3));
  const found: { path: string; cost: number }[] = [];
  const costOf = (path: string): number | undefined => {
    const base = path.slice(path.lastIndexOf("/") + 1);
    const isHere = posix.dirname(path) === directory;
    if (base === name) return 1;
    const distance = editDistance(base, name, limit);
    if (distance <= limit) return isHere ? distance : distance + limit + 1;
    return isHere && (base.startsWith(name) || name.startsWith(base)) ? limit + 1 : undefined;
  };
  return {
    consider: (path) => {
      const cost = costOf(path);
      if (cost === undefined) return;
      found.push({ path, cost });
      // Of equal cost the earlier one stays: the list is sorted, and sorting is stable.
      found.sort((a, b) => a.cost - b.cost).splice(shown);
    },
    best: () => found.map(({ path }) => path),
  };
}

/** The kept file that is nearest to a removed entry: in the deepest directory that they share, with the likest name. */
export function nearestKept(reader: GraphReader, path: string): KeptEntry | undefined {
  let best: { entry: KeptEntry; shared: number; rank: number } | undefined;
  const directory = `${posix.dirname(path)}/`.replace("//", "/");
  for (const entry of reader.files()) {
    const length = sharedLength(path, entry.path);
    // Not into the middle of a name.
    const shared = Math.min(path.lastIndexOf("/", Math.max(length - 1, 0)) + 1, directory.length);
    const depth = entry.path.split("/").length;
    const rank = length - depth * path.length;
    if (!best || shared > best.shared || (shared === best.shared && rank > best.rank)) best = { entry, shared, rank };
  }
  // What shares nothing but the root is nobody's neighbour.
  return best && best.shared > 1 ? best.entry : undefined;
}

function sharedLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

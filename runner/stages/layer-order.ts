import type { KeepSet } from "../keep-set.ts";

/** What is kept, in the order of the layer: parents before children, names in code-unit order. The order is part of its digest. */
export const layerOrder = (kept: KeepSet): string[] => [...kept.keys()].filter((path) => path !== "/").sort(byPath);

function byPath(a: string, b: string): number {
  const left = a.split("/");
  const right = b.split("/");
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const [one = "", other = ""] = [left[at], right[at]];
    if (one !== other) return one < other ? -1 : 1;
  }
  return left.length - right.length;
}

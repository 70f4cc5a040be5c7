import type { ReasonKind } from "#contract/graph.ts";

export type { ReasonKind } from "#contract/graph.ts";

/**
 * Why an entry stays. The first reason wins. `by` is what asked for it: a path of the image for parent, target, needed and
 * script, where it leads to the next link of the chain; a scenario, rule or pattern otherwise.
 */
export type Reason = { kind: ReasonKind; by: string; detail?: string };

/** Path of the image to the reason it is kept. */
export type KeepSet = ReadonlyMap<string, Reason>;

/** The chain of reasons from `path` to where it began, e.g. libssl needed by node observed in default. Ends at loops. */
export function reasonChain(kept: KeepSet, path: string): { path: string; reason: Reason }[] {
  const chain: { path: string; reason: Reason }[] = [];
  const passed = new Set<string>();
  for (let at = path; !passed.has(at); ) {
    const reason = kept.get(at);
    if (!reason) break;
    passed.add(at);
    chain.push({ path: at, reason });
    at = reason.by;
  }
  return chain;
}

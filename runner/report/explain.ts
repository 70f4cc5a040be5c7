import type { EdgeKind, Origin } from "#contract/graph.ts";
import type { Reason } from "../keep-set.ts";
import { detailOf, edgeKindOf, originOf } from "./asked-by.ts";
import type { Hop } from "./graph-read.ts";

/** How an edge reads before the name of what it leads to. */
const phrases: Record<EdgeKind, string> = {
  executed: "executed by",
  read: "read by",
  written: "written by",
  "looked-at": "looked at by",
  listed: "listed by",
  "link-read": "link followed by",
  entered: "entered by",
  "attributes-read": "attributes read by",
  touched: "touched by",
  "written-in": "written in by",
  parent: "directory of",
  link: "target of link",
  needed: "needed by",
  interpreter: "interpreter of",
  script: "started or loaded by",
  named: "named by",
  unit: "of one unit with",
  rule: "by rule for",
  included: "included by",
  repaired: "missing in",
  runs: "runs",
  started: "started by",
};

const originWords: Record<Origin["kind"], string> = {
  scenario: "scenario ",
  rule: "rule ",
  pattern: "pattern ",
  verification: "the slim image, found by verification",
  path: "",
};

/** `needed by /usr/bin/node`, `rule application (workdir)`: one link of a chain. */
export function explainHop({ kind, by, detail }: Hop): string {
  const told = detail === undefined ? "" : ` (${detail})`;
  if ("path" in by) return `${phrases[kind]} ${by.path}${told}`;
  // It was not missed itself.
  if (by.kind === "verification" && detail !== undefined) return `repair: ${detail}`;
  // A rule that stands for itself asks for nobody.
  if (by.kind === "rule" && kind === "rule") return `rule ${by.name}${told}`;
  const name = by.kind === "verification" ? "" : by.name;
  return `${phrases[kind]} ${originWords[by.kind]}${name}${told}`;
}

/** A kept entry in one line: `/usr/lib/libssl.so.3 ← needed by /usr/bin/node ← executed by scenario default`. */
export function explain(path: string, hops: readonly Hop[]): string {
  return [path, ...hops.map(explainHop)].join(" ← ");
}

/** The chain of reasons of a line of `files.jsonl` as links of a chain. */
export function hopsOf(reasons: readonly (Reason & { path: string })[]): Hop[] {
  return reasons.map((reason, at) => ({
    kind: edgeKindOf(reason),
    by: reasons[at + 1]?.path === reason.by ? { path: reason.by } : originOf(reason),
    ...detailOf(reason.path, reason),
  }));
}

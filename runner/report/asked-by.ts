import { posix } from "node:path";
import type { EdgeKind, Origin } from "#contract/graph.ts";
import type { Reason, ReasonKind } from "../keep-set.ts";
import { type Rootfs, resolvePath } from "../rootfs.ts";
import { type Access, observedKind } from "./accesses.ts";

/** The end of an edge: the number of a node, or an origin that has none yet. */
export type Asked = { kind: EdgeKind; to: number | Origin; detail?: string };

const kinds: Record<Exclude<ReasonKind, "observed">, EdgeKind> = {
  parent: "parent",
  target: "link",
  needed: "needed",
  script: "script",
  named: "named",
  unit: "unit",
  rule: "rule",
  pinned: "included",
  repaired: "repaired",
};

/** The kind of edge that a reason is, as long as nothing else is known of it. */
export function edgeKindOf({ kind, detail }: Reason): EdgeKind {
  if (kind === "observed") return observedKind(detail);
  // A script without a detail asks for what its first line names.
  if ((kind === "needed" && detail === "interpreter") || (kind === "script" && detail === undefined))
    return "interpreter";
  return kinds[kind];
}

/** What a reason adds to its kind and to the path that it keeps. */
export function detailOf(path: string, { kind, detail }: Reason): { detail?: string } {
  if (detail === undefined || kind === "observed") return {};
  if (kind === "needed" && (detail === "interpreter" || detail === posix.basename(path))) return {};
  return { detail };
}

/** What stands at the end of a reason that names no entry of the image. */
export function originOf({ kind, by, detail }: Reason): Origin {
  if (kind === "observed") return { kind: "scenario", name: by };
  // Other rules of the user's than patterns stand as on the command line.
  if (kind === "pinned") return { kind: by.startsWith("--") ? "rule" : "pattern", name: by };
  if (kind === "repaired") return { kind: "verification", name: by };
  if (by.startsWith("/")) return { kind: "path", name: by };
  return { kind: "rule", name: by === "" ? (detail ?? kind) : by };
}

/** Turns reasons and accesses into edges. `numbers`: kept entries; `used`: of each observed one the access that says most. */
export function askedBy(rootfs: Rootfs, numbers: ReadonlyMap<string, number>, used: ReadonlyMap<string, Access>) {
  const numberOf = (path: string): number | undefined => {
    const known = numbers.get(path);
    if (known !== undefined || !path.startsWith("/")) return known;
    const found = resolvePath(rootfs, path);
    return "path" in found ? numbers.get(found.path) : undefined;
  };
  const access = ({ path, program, scenario, kind }: Access): Asked => {
    const by = program === "" ? undefined : numberOf(program);
    return { kind, to: by === undefined || by === numbers.get(path) ? { kind: "scenario", name: scenario } : by };
  };
  const because = (path: string, reason: Reason): Asked => {
    const seen = reason.kind === "observed" ? used.get(path) : undefined;
    if (seen) return access(seen);
    const kind = edgeKindOf(reason);
    const by = /^(?:observed|pinned|repaired)$/.test(reason.kind) ? undefined : numberOf(reason.by);
    const isOwn = by !== undefined && by === numbers.get(path);
    const to = by === undefined || isOwn ? originOf(isOwn ? { ...reason, by: "" } : reason) : by;
    return { kind, to, ...detailOf(path, reason) };
  };
  return { access, because };
}

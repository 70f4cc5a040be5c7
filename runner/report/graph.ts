import { posix } from "node:path";
import { type Edge, EdgeKind, type Graph, graphSchemaVersion, type Origin } from "#contract/graph.ts";
import type { KeepSet } from "../keep-set.ts";
import type { EntryType, Rootfs } from "../rootfs.ts";
import { accesses, type ScenarioEvents, strongest } from "./accesses.ts";
import { type Asked, askedBy } from "./asked-by.ts";
import type { Owners } from "./package-owners.ts";
import { pieces } from "./pieces.ts";
import type { Shares } from "./shares.ts";

export type GraphInput = {
  rootfs: Rootfs;
  kept: KeepSet;
  runs: readonly ScenarioEvents[];
  owners: Owners;
  shares: Shares;
};

const types: Record<EntryType, Graph["entries"][number][2]> = {
  file: "f",
  directory: "d",
  symlink: "l",
  character: "c",
  block: "b",
  fifo: "p",
  socket: "s",
};

/**
 * `graph.json` (contract/graph.ts) in pieces. Nothing grows with the image but the positions of the kept entries: nodes and
 * edges are written as they are met, and what they share (origins, details) comes after them.
 */
export function graphDocument(input: GraphInput): Generator<string> {
  return pieces(document(input));
}

function* document({ rootfs, kept, runs, owners, shares }: GraphInput): Generator<string> {
  const numbers = new Map<string, number>();
  for (const path of rootfs.keys()) if (kept.has(path)) numbers.set(path, numbers.size);
  const processes = runs.flatMap(({ scenario, run }) =>
    run.processes.map(({ pid, argv }) => ({ scenario, pid, argv })),
  );
  const packages = owners.packages.map((owner, at) => ({ ...owner, ...shares.packages[at] }));
  const firstOrigin = numbers.size + processes.length + packages.length;
  const origins = table((origin: Origin) => `${origin.kind} ${origin.name}`);
  const details = table((detail: string) => detail);
  const edge = (from: number, { to, kind, detail }: Asked): Edge => [
    from,
    typeof to === "object" ? firstOrigin + origins.add(to) : to,
    EdgeKind.options.indexOf(kind),
    detail === undefined ? -1 : details.add(detail),
  ];

  yield `{"schemaVersion":${graphSchemaVersion},"kinds":${JSON.stringify(EdgeKind.options)},\n`;
  yield* list("entries", entries(rootfs, numbers, owners));
  yield* list("processes", processes);
  yield* list("packages", packages);
  yield* list("edges", edges({ rootfs, kept, runs, numbers, edge }));
  yield* list("origins", origins.items);
  yield* list("details", details.items);
  yield `"unowned":${JSON.stringify(shares.unowned)}}\n`;
}

function* list(name: string, items: Iterable<unknown>): Generator<string> {
  yield `"${name}":[\n`;
  let isFirst = true;
  for (const item of items) {
    yield `${isFirst ? "" : ",\n"}${JSON.stringify(item)}`;
    isFirst = false;
  }
  yield "\n],\n";
}

/** Each thing once, by its position. */
function table<T>(keyOf: (item: T) => string): { items: readonly T[]; add(item: T): number } {
  const items: T[] = [];
  const positions = new Map<string, number>();
  const add = (item: T): number => {
    const key = keyOf(item);
    const known = positions.get(key);
    if (known !== undefined) return known;
    positions.set(key, items.length);
    return items.push(item) - 1;
  };
  return { items, add };
}

type Numbers = ReadonlyMap<string, number>;

function* entries(rootfs: Rootfs, numbers: Numbers, owners: Owners): Generator<Graph["entries"][number]> {
  for (const path of numbers.keys()) {
    const { type, size } = rootfs.get(path) ?? { type: "file", size: 0 };
    const parent = path === "/" ? undefined : numbers.get(posix.dirname(path));
    yield [parent ?? -1, parent === undefined ? path : posix.basename(path), types[type], size, owners.of(path)];
  }
}

type Edges = Pick<GraphInput, "rootfs" | "kept" | "runs"> & {
  numbers: Numbers;
  edge(from: number, asked: Asked): Edge;
};

function* edges({ rootfs, kept, runs, numbers, edge }: Edges): Generator<Edge> {
  const used = [...accesses(rootfs, kept, runs)];
  const reasons = strongest(used);
  const asked = askedBy(rootfs, numbers, reasons);
  for (const [path, from] of numbers) {
    const reason = kept.get(path);
    if (reason) yield edge(from, asked.because(path, reason));
  }
  yield* processEdges(runs, numbers, edge);
  for (const access of used)
    if (reasons.get(access.path) !== access || kept.get(access.path)?.kind !== "observed")
      yield edge(numbers.get(access.path) ?? -1, asked.access(access));
}

/** A process runs its program, and was started by the one before it: its parent, or what it was before it executed this. */
function* processEdges(runs: GraphInput["runs"], numbers: Numbers, edge: Edges["edge"]): Generator<Edge> {
  let at = numbers.size;
  for (const { scenario, run } of runs) {
    const last = new Map<number, number>();
    for (const { pid, ppid, exe } of run.processes) {
      const program = numbers.get(exe);
      const before = last.get(pid) ?? last.get(ppid);
      yield edge(at, { kind: "started", to: before ?? { kind: "scenario", name: scenario } });
      yield edge(at, { kind: "runs", to: program ?? { kind: "path", name: exe } });
      last.set(pid, at);
      at += 1;
    }
  }
}

import { posix } from "node:path";
import type { Edge, EdgeKind, EntryNode, Graph, Origin, PackageNode } from "#contract/graph.ts";

/** One link of a chain: what the entry before it is kept for. `path` of an entry, or where the chain begins. */
export type Hop = { kind: EdgeKind; by: { path: string } | Origin; detail?: string };

/** A kept entry as the graph has it. */
export type KeptEntry = {
  number: number;
  path: string;
  type: EntryNode[2];
  size: number;
  owner: PackageNode | undefined;
};

export type GraphReader = {
  graph: Graph;
  scenarios: readonly string[];
  find(path: string): KeptEntry | undefined;
  /** From the entry to where its reasons begin. A directory leads at once to what is in it, over all directories between. */
  chain(entry: KeptEntry): Hop[];
  /** What else was done with the entry. */
  others(entry: KeptEntry): Hop[];
  /** Kept entries that are no directories, in the order of the index. */
  files(): Iterable<KeptEntry>;
};

/** Answers questions to a graph. Holds the path of every kept entry. */
export function readGraph(graph: Graph): GraphReader {
  const paths: string[] = [];
  const numbers = new Map<string, number>();
  for (const [number, [parent, name]] of graph.entries.entries()) {
    const path = parent < 0 ? name : posix.join(paths[parent] ?? "/", name);
    paths.push(path);
    numbers.set(path, number);
  }
  const entryAt = (number: number): KeptEntry | undefined => {
    const [, , type, size, owner] = graph.entries[number] ?? [];
    const path = paths[number];
    if (type === undefined || size === undefined || path === undefined) return undefined;
    return { number, path, type, size, owner: graph.packages[owner ?? -1] };
  };
  const firstOrigin = graph.entries.length + graph.processes.length + graph.packages.length;
  const hop = ([, to, kind, detail]: Edge): Hop => {
    const path = paths[to];
    return {
      kind: graph.kinds[kind] ?? "touched",
      by: path === undefined ? (graph.origins[to - firstOrigin] ?? { kind: "rule", name: "" }) : { path },
      ...(detail < 0 ? {} : { detail: graph.details[detail] }),
    };
  };
  return {
    graph,
    scenarios: [...new Set([...scenarioNames(graph.origins), ...graph.processes.map(({ scenario }) => scenario)])],
    find: (path) => entryAt(numbers.get(path) ?? -1),
    chain: ({ number }) => chain(graph, number, hop),
    others: ({ number }) =>
      graph.edges.slice(graph.entries.length).flatMap((edge) => (edge[0] === number ? [hop(edge)] : [])),
    files: function* () {
      for (const number of graph.entries.keys()) {
        const entry = entryAt(number);
        if (entry && entry.type !== "d") yield entry;
      }
    },
  };
}

const scenarioNames = (origins: readonly Origin[]): string[] =>
  origins.flatMap(({ kind, name }) => (kind === "scenario" ? [name] : []));

/** Ends at loops: whatever a document says, a chain passes each entry once. */
function chain(graph: Graph, start: number, hop: (edge: Edge) => Hop): Hop[] {
  const hops: Hop[] = [];
  const passed = new Set<number>();
  for (let at = start; !passed.has(at); ) {
    passed.add(at);
    const edge = at < graph.entries.length ? graph.edges[at] : undefined;
    if (!edge) break;
    const next = hop(edge);
    if (next.kind === "parent" && hops.at(-1)?.kind === "parent") hops.pop();
    hops.push(next);
    at = edge[1];
  }
  return hops;
}

import type { HttpProbe } from "#contract/job.ts";

/** A request that a crawl will send, and how many links it is away from a probe. */
export type Visit = { probe: HttpProbe; port: number; depth: number };

/** Calendars, sort orders and pagers link to themselves without end: more queries than this of one path show nothing new. */
const maxQueriesOfPath = 20;

export type Frontier = {
  /** Adds what was not added before and is not too deep. */
  add(visit: Visit): void;
  /** The next request, in the order in which they were found; undefined when there is none. */
  next(): Visit | undefined;
  /** How many requests wait. */
  waiting(): number;
  /** How many were not taken because of their depth or their path's many queries. */
  refused(): number;
};

/** The requests of a crawl in breadth-first order. `sent` are GET requests that the probes have already made. */
export function frontier(maxDepth: number, sent: Iterable<{ port: number; resource: string }>): Frontier {
  const keyOf = (port: number, resource: string) => `${port} ${resource}`;
  const seen = new Set([...sent].map(({ port, resource }) => keyOf(port, resource)));
  const queries = new Map<string, number>();
  const queue: Visit[] = [];
  let at = 0;
  let refused = 0;
  return {
    add(visit) {
      const { port, probe, depth } = visit;
      const key = keyOf(port, probe.resource);
      if (seen.has(key)) return;
      seen.add(key);
      const path = keyOf(port, probe.resource.split("?", 1)[0] ?? "");
      const count = queries.get(path) ?? 0;
      if (depth > maxDepth || count >= maxQueriesOfPath) {
        refused++;
        return;
      }
      queries.set(path, count + 1);
      queue.push(visit);
    },
    next: () => queue[at++],
    waiting: () => Math.max(0, queue.length - at),
    refused: () => refused,
  };
}

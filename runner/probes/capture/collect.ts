import type { HttpProbe } from "#contract/job.ts";

/** More requests than this are not taken from one file. */
export const maxCaptured = 1000;

/** A log of a shop has a million searches: more queries than this of one path show nothing new. */
const maxQueriesOfPath = 20;

/**
 * The different requests among many, each once, in the order of their first. Of more than the limit, those that were made
 * most often stay.
 */
export function collect(requests: Iterable<HttpProbe>): HttpProbe[] {
  const found = new Map<string, { probe: HttpProbe; count: number }>();
  const queries = new Map<string, number>();
  for (const probe of requests) {
    const key = JSON.stringify([probe.method, probe.resource, probe.body, probe.headers]);
    const known = found.get(key);
    if (known) {
      known.count++;
      continue;
    }
    const path = `${probe.method} ${probe.resource.split("?", 1)[0]}`;
    const count = (queries.get(path) ?? 0) + 1;
    queries.set(path, count);
    if (count <= maxQueriesOfPath) found.set(key, { probe, count: 1 });
  }
  const all = [...found.values()];
  const most = new Set(all.toSorted((a, b) => b.count - a.count).slice(0, maxCaptured));
  return all.filter((one) => most.has(one)).map(({ probe }) => probe);
}

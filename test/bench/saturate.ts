import type { Answer } from "../service/api-client.ts";

/** What calls took, ms, in no order, and how often each status came; 0 for a call that failed. */
export type Calls = { latencies: number[]; statuses: Record<number, number>; seconds: number };

/** Each of `connections` calls again as soon as it has its answer, until the time is over or `call` gives nothing. */
export async function saturate(
  { connections, ms }: { connections: number; ms: number },
  call: (connection: number) => Promise<Answer> | undefined,
): Promise<Calls> {
  const calls: Calls = { latencies: [], statuses: {}, seconds: 0 };
  const startedAt = performance.now();
  const callAgain = async (connection: number) => {
    while (performance.now() < startedAt + ms) {
      const asked = call(connection);
      if (!asked) return;
      await timed(calls, asked);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, connection) => callAgain(connection)));
  return { ...calls, seconds: (performance.now() - startedAt) / 1000 };
}

/** Calls at a steady rate, whether or not the calls before have their answers: a slow server does not slow who calls it. */
export async function atRate(
  { perSecond, ms }: { perSecond: number; ms: number },
  call: (index: number) => Promise<Answer>,
): Promise<Calls> {
  const calls: Calls = { latencies: [], statuses: {}, seconds: 0 };
  const startedAt = performance.now();
  const all: Promise<void>[] = [];
  const count = (perSecond * ms) / 1000;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(count, Math.floor(((performance.now() - startedAt) * perSecond) / 1000));
      while (all.length < due) all.push(timed(calls, call(all.length)));
      if (all.length < count) return;
      clearInterval(timer);
      resolve();
    }, 5);
  });
  await Promise.all(all);
  return { ...calls, seconds: (performance.now() - startedAt) / 1000 };
}

async function timed({ latencies, statuses }: Calls, asked: Promise<Answer>): Promise<void> {
  const askedAt = performance.now();
  const { status } = await asked.catch(() => ({ status: 0 }));
  latencies.push(performance.now() - askedAt);
  statuses[status] = (statuses[status] ?? 0) + 1;
}

/** The value that this share of all values does not exceed; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

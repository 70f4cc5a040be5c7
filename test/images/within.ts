import { setTimeout as sleep } from "node:timers/promises";

/** Rejects when nothing came of a piece of work in time; the work itself goes on. */
export async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const abort = new AbortController();
  const late = sleep(limitMs, undefined, { signal: abort.signal }).then(() => {
    throw new Error(`nothing came for ${limitMs / 1000} s`);
  });
  late.catch(() => undefined); // the loser of the race rejects too, when it is aborted
  try {
    return await Promise.race([work, late]);
  } finally {
    abort.abort();
  }
}

import type { Db } from "../db/open.ts";
import { writing } from "../db/open.ts";
import { forgetUpload, isAttemptAtWork, orphanedUploads } from "../db/orphaned-uploads.ts";
import type { AttemptLogs } from "../logs/attempt-logs.ts";
import { artifactKey } from "../store/key.ts";
import type { Store } from "../store/store.ts";
import type { Chore } from "./every.ts";

export type Sweep = {
  db: Db;
  store: Pick<Store, "remove">;
  logs: Pick<AttemptLogs, "list" | "drop">;
  /** Milliseconds UTC. */
  now: number;
  /** Ends the work after the batch that is at work. */
  signal?: AbortSignal;
};

/** Long after the last ticket for an upload has expired, and time to look at the log of an attempt that failed. */
const keptMs = 86_400_000;

const batch = 100;

/** Both sweeps, for `startUpkeep`. */
export function uploadChores({ now, ...deps }: Omit<Sweep, "now" | "signal"> & { now: () => number }): Chore[] {
  const everyMs = 600_000;
  const run = (work: (sweep: Sweep) => Promise<number>) => async (signal: AbortSignal) => {
    await work({ ...deps, now: now(), signal });
  };
  return [
    { name: "uploads", everyMs, run: run(sweepUploads) },
    { name: "logs", everyMs, run: run(sweepLogs) },
  ];
}

/**
 * Removes what attempts put into the store that no job came to own: never committed, replaced, or of an attempt that was lost or is
 * followed by another. Nothing that a row of artifacts names. The bytes go before the row, so that what is stopped in between is
 * done again. Gives how many rows went. Throws `store.failed`.
 */
export async function sweepUploads({ db, store, now, signal }: Sweep): Promise<number> {
  let swept = 0;
  while (!signal?.aborted) {
    const found = orphanedUploads(db, { cutoffAt: now - keptMs, limit: batch });
    if (found.length === 0) break;
    for (const { jobId, attempt, name, isOwned } of found)
      if (!isOwned) await store.remove(artifactKey(jobId, attempt, name));
    writing(db, (tx) => {
      for (const one of found) forgetUpload(tx, one);
    });
    swept += found.length;
  }
  return swept;
}

/** Removes the local logs of attempts that ended without one in the store, a day after their last line. Gives how many. */
export async function sweepLogs({ db, logs, now, signal }: Sweep): Promise<number> {
  let swept = 0;
  for (const { jobId, attempt, changedAt } of await logs.list()) {
    if (signal?.aborted) break;
    if (changedAt >= now - keptMs || isAttemptAtWork(db, { jobId, attempt })) continue;
    await logs.drop(jobId, attempt);
    swept += 1;
  }
  return swept;
}

import { and, eq, sql } from "drizzle-orm";
import { WinnowError } from "#contract/error.ts";
import { atWork } from "./end-attempt.ts";
import { findRunner, runnerNotFound } from "./find-runner.ts";
import { loseAttempt, type Reaped } from "./lose-attempt.ts";
import { type Db, writing } from "./open.ts";
import { jobs, runners } from "./schema.ts";

/**
 * Removes a runner: its token is void, its name stays with what it did. What it still holds is lost at once, and given to others; gives
 * those jobs. Throws `runner.not-found`, and `runner.busy` while it has jobs, unless `isForced`.
 */
export function removeRunner(
  db: Db,
  { runnerId, now, isForced }: { runnerId: string; now: number; isForced: boolean },
): Reaped[] {
  return writing(db, (tx) => {
    const runner = findRunner(tx, runnerId);
    if (!runner) throw runnerNotFound(runnerId);
    const isActive = sql`${jobs.state} in ('running', 'canceling')`; // spelled out for the partial index
    const held = atWork(tx, and(eq(jobs.runner, runnerId), isActive));
    if (held.length > 0 && !isForced) throw busy(runner.name, held.length);
    tx.update(runners).set({ removedAt: now }).where(eq(runners.id, runnerId)).run();
    return held.map((one) => loseAttempt(tx, one, now));
  });
}

function busy(name: string, count: number): WinnowError {
  const hint = "Drain it and wait, or remove it with `force=1`: its jobs are then tried elsewhere.";
  return new WinnowError("runner.busy", `${name} has ${count} jobs at work.`, hint);
}

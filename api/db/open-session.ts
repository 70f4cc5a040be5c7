import { and, eq, sql } from "drizzle-orm";
import type { RunnerFacts } from "#contract/service/runner-protocol.ts";
import { atWork } from "./end-attempt.ts";
import { findRunner, runnerNotFound } from "./find-runner.ts";
import { loseAttempt, type Reaped } from "./lose-attempt.ts";
import { type Db, writing } from "./open.ts";
import { jobs, runners } from "./schema.ts";

/**
 * A runner's process begins: notes what it says of itself, and ends draining and pauses. With a new `bootId` its earlier process is gone,
 * and what that one held is lost at once. Gives those jobs. Throws `runner.not-found`.
 */
export function openSession(
  db: Db,
  { runnerId, facts, now }: { runnerId: string; facts: RunnerFacts; now: number },
): Reaped[] {
  return writing(db, (tx) => {
    const runner = findRunner(tx, runnerId);
    if (!runner) throw runnerNotFound(runnerId);
    const { bootId, version, labels, slots, engine } = facts;
    tx.update(runners)
      .set({
        bootId,
        version,
        labels,
        slots,
        engine,
        lastSeenAt: now,
        drainAskedAt: null,
        isDraining: false,
        paused: null,
      })
      .where(eq(runners.id, runnerId))
      .run();
    if (runner.bootId === bootId) return [];
    const isActive = sql`${jobs.state} in ('running', 'canceling')`; // spelled out for the partial index
    return atWork(tx, and(eq(jobs.runner, runnerId), isActive)).map((held) => loseAttempt(tx, held, now));
  });
}

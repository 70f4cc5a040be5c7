import { and, eq, lt, notExists, sql } from "drizzle-orm";
import { atWork, canceledFailure, endAttempt } from "./end-attempt.ts";
import { giveBack, loseAttempt, type Reaped, takeBack } from "./lose-attempt.ts";
import { type Db, writing } from "./open.ts";
import { jobs, runners } from "./schema.ts";

export type { Reaped } from "./lose-attempt.ts";

export type Reaping = {
  now: number;
  /** How long a claim may stay unconfirmed, and how long a canceled job may clean up. Left out: for ever. */
  startWindowMs?: number;
  cancelGraceMs?: number;
  /** When the leases end that the last amnesty gave: one that ends then was never renewed since. */
  pardonedUntil?: number;
};

// Spelled out for the partial index, and the second half lets SQLite walk it.
const isActive = sql`${jobs.state} in ('running', 'canceling') and ${jobs.leaseExpiresAt} > 0`;

/**
 * Ends what is overdue: claims that nobody confirmed are given back; jobs that have been `canceling` for too long are canceled, whatever
 * their runner says later; jobs whose runner has been silent past its lease are lost, see `loseAttempt`. Those of them that were not
 * heard of since the server came back are given back: out of touch with it for so long, a healthy runner drops its jobs too.
 */
export function reapAttempts(db: Db, { now, startWindowMs, cancelGraceMs, pardonedUntil }: Reaping): Reaped[] {
  return writing(db, (tx) => [
    ...(startWindowMs === undefined ? [] : releaseUnstarted(tx, now, startWindowMs)),
    ...(cancelGraceMs === undefined ? [] : forceCanceled(tx, now, cancelGraceMs)),
    ...atWork(tx, and(isActive, lt(jobs.leaseExpiresAt, now))).map((held) =>
      held.leaseExpiresAt === pardonedUntil ? takeBack(tx, held, now) : loseAttempt(tx, held, now),
    ),
  ]);
}

/**
 * The same for jobs whose workers are no runners of the service: those that a killed command line left. A service that shares the database
 * and is down at present keeps its leases.
 */
export function reapLocalAttempts(db: Db, { now }: { now: number }): Reaped[] {
  return writing(db, (tx) => {
    const registered = tx.select({ one: sql`1` }).from(runners).where(eq(runners.id, jobs.runner));
    const overdue = and(isActive, lt(jobs.leaseExpiresAt, now), notExists(registered));
    return atWork(tx, overdue).map((held) => loseAttempt(tx, held, now));
  });
}

function releaseUnstarted(tx: Db, now: number, startWindowMs: number): Reaped[] {
  const latest = now - startWindowMs;
  return atWork(tx, isActive)
    .filter(({ attemptState, claimedAt }) => attemptState === "claimed" && claimedAt < latest)
    .map((held) => giveBack(tx, held, now));
}

function forceCanceled(tx: Db, now: number, cancelGraceMs: number): Reaped[] {
  const isOverdue = and(isActive, eq(jobs.state, "canceling"), lt(jobs.cancelAskedAt, now - cancelGraceMs));
  return atWork(tx, isOverdue).map((held) => {
    const error = canceledFailure;
    endAttempt(tx, held, { now, attempt: { state: "canceled", error }, job: { state: "canceled", error } });
    return { jobId: held.id, attempt: held.attempt, state: "canceled" };
  });
}

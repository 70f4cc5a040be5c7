import { and, eq, sql } from "drizzle-orm";
import type { AttemptAction, Heartbeat } from "#contract/service/runner-protocol.ts";
import { runnerNotFound } from "./find-runner.ts";
import type { Held } from "./held-by.ts";
import { type Db, writing } from "./open.ts";
import { given, prepared } from "./prepared.ts";
import { jobs, runners } from "./schema.ts";

export type Beat = Heartbeat & { runnerId: string; now: number; leaseMs: number };

export type BeatAnswer = {
  attempts: { jobId: string; attempt: number; action: AttemptAction }[];
  runner: "continue" | "drain";
};

/**
 * One transaction for all that a runner holds: extends the leases, notes how it is, and brings what people asked for. The state of no job
 * changes. Throws `runner.not-found` when the runner was removed.
 */
export function beatRunner(db: Db, { runnerId, now, leaseMs, ...beat }: Beat): BeatAnswer {
  const { draining, diskFreeBytes, paused } = beat;
  return writing(db, (tx) => {
    const runner = signOfLife(tx).get({ runnerId, now, draining: draining ? 1 : 0, diskFreeBytes, paused });
    if (!runner || runner.removedAt !== null) throw runnerNotFound(runnerId);
    const asked = JSON.stringify(beat.attempts);
    const held = beat.attempts.length === 0 ? [] : extension(tx).all({ runnerId, asked, expiresAt: now + leaseMs });
    const attempts = beat.attempts.map((one) => ({
      jobId: one.jobId,
      attempt: one.attempt,
      action: actionFor(held.find((row) => isSame(row, one))),
    }));
    return { attempts, runner: runner.drainAskedAt === null ? "continue" : "drain" };
  });
}

function isSame(row: Held, { jobId, attempt, lease }: Held): boolean {
  return row.jobId === jobId && row.attempt === attempt && row.lease === lease;
}

function actionFor(held: { state: string; finishAskedAt: number | null } | undefined): AttemptAction {
  if (!held) return "abandon";
  if (held.state === "canceling") return "cancel";
  return held.finishAskedAt === null ? "continue" : "finish-observation";
}

const signOfLife = prepared((db) =>
  db
    .update(runners)
    .set({
      lastSeenAt: given("now"),
      isDraining: given("draining"),
      diskFreeBytes: given("diskFreeBytes"),
      paused: given("paused"),
    })
    .where(eq(runners.id, sql.placeholder("runnerId")))
    .returning({ drainAskedAt: runners.drainAskedAt, removedAt: runners.removedAt })
    .prepare(),
);

/** `heldBy` for all attempts of a runner at once; `asked` is a JSON array of them. */
const extension = prepared((db) => {
  const asked = sql`select value ->> 'jobId', value ->> 'attempt', value ->> 'lease' from json_each(${given("asked")})`;
  const isAsked = sql`(${jobs.id}, ${jobs.attempt}, ${jobs.lease}) in (${asked})`;
  const isAtWork = sql`${jobs.state} in ('running', 'canceling')`; // spelled out for the partial index
  const { id: jobId, attempt, lease, state, finishAskedAt } = jobs;
  return db
    .update(jobs)
    .set({ leaseExpiresAt: given("expiresAt") })
    .where(and(eq(jobs.runner, sql.placeholder("runnerId")), isAtWork, isAsked))
    .returning({ jobId, attempt, lease, state, finishAskedAt })
    .prepare();
});

import { eq } from "drizzle-orm";
import type { AttemptAction, Heartbeat } from "#contract/service/runner-protocol.ts";
import { tryExtend } from "./extend-lease.ts";
import { runnerNotFound } from "./find-runner.ts";
import { type Db, writing } from "./open.ts";
import { runners } from "./schema.ts";

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
  return writing(db, (tx) => {
    const runner = tx
      .update(runners)
      .set({
        lastSeenAt: now,
        isDraining: beat.draining,
        diskFreeBytes: beat.diskFreeBytes,
        paused: beat.paused,
      })
      .where(eq(runners.id, runnerId))
      .returning({ drainAskedAt: runners.drainAskedAt, removedAt: runners.removedAt })
      .get();
    if (!runner || runner.removedAt !== null) throw runnerNotFound(runnerId);
    const attempts = beat.attempts.map((held) => ({
      jobId: held.jobId,
      attempt: held.attempt,
      action: toAction(tryExtend(tx, held, { now, leaseMs, runner: runnerId })),
    }));
    return { attempts, runner: runner.drainAskedAt === null ? "continue" : "drain" };
  });
}

function toAction(extended: ReturnType<typeof tryExtend>): AttemptAction {
  if (!extended) return "abandon";
  if (extended.isCancelAsked) return "cancel";
  return extended.isFinishAsked ? "finish-observation" : "continue";
}

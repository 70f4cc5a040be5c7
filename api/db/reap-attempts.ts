import { and, eq, lt, sql } from "drizzle-orm";
import { appendEvent } from "./append-event.ts";
import { type Db, writing } from "./open.ts";
import { attempts, jobs } from "./schema.ts";

export type Reaped = { jobId: string; attempt: number; state: "queued" | "failed" | "canceled" };

const lost = {
  code: "lease.lost",
  message: "The runner stopped without finishing the job.",
  hint: "Run it again; if it happens again, look for a crash or a full disk on the runner's host.",
} as const;

/**
 * Takes back the jobs whose runner has been silent past its lease: their attempt is `lost`, and the job is queued again while it
 * has attempts left, else failed; one that was being canceled is canceled.
 */
export function reapAttempts(db: Db, { now }: { now: number }): Reaped[] {
  return writing(db, (tx) => {
    const expired = tx
      .select()
      .from(jobs)
      .where(and(sql`${jobs.state} in ('running', 'canceling')`, lt(jobs.leaseExpiresAt, now)))
      .all();
    return expired.map((job) => {
      const state = job.state === "canceling" ? "canceled" : job.attempt < job.maxAttempts ? "queued" : "failed";
      tx.update(jobs)
        .set({
          state,
          leaseExpiresAt: null,
          ...(state === "queued" ? { runAfterAt: now } : { finishedAt: now }),
          ...(state === "failed" && { errorCode: lost.code, errorMessage: lost.message, errorHint: lost.hint }),
        })
        .where(eq(jobs.seq, job.seq))
        .run();
      tx.update(attempts)
        .set({ state: "lost", finishedAt: now, errorCode: lost.code, errorMessage: lost.message })
        .where(and(eq(attempts.jobId, job.id), eq(attempts.number, job.attempt)))
        .run();
      appendEvent(tx, {
        jobId: job.id,
        attempt: job.attempt,
        at: now,
        kind: "state",
        detail: { state, code: lost.code },
      });
      return { jobId: job.id, attempt: job.attempt, state };
    });
  });
}

import { and, eq, type SQL, sql } from "drizzle-orm";
import type { ErrorCode } from "#contract/error.ts";
import type { JobState } from "#contract/job.ts";
import { appendEvent } from "./append-event.ts";
import type { Db } from "./open.ts";
import { type AttemptState, attempts, jobs, type ReleaseReason } from "./schema.ts";

export type Failure = { code: ErrorCode; message: string; hint: string };

/** What is needed of a job to end its attempt. Without the request: a row that cannot be read must not stop the others. */
export const heldColumns = {
  id: jobs.id,
  seq: jobs.seq,
  state: jobs.state,
  attempt: jobs.attempt,
  lease: jobs.lease,
  maxAttempts: jobs.maxAttempts,
  uncounted: jobs.uncounted,
  runner: jobs.runner,
  repository: jobs.repository,
  requestHash: jobs.requestHash,
  runAfterAt: jobs.runAfterAt,
};

/** A job and its attempt that is at work. */
export type AtWork = ReturnType<typeof atWork>[number];
export type HeldJob = Omit<AtWork, "attemptState" | "claimedAt" | "leaseExpiresAt">;

/** The jobs at work that fit, with the states of their attempts. Oldest first. */
export function atWork(tx: Db, condition: SQL | undefined) {
  return tx
    .select({
      ...heldColumns,
      leaseExpiresAt: jobs.leaseExpiresAt,
      attemptState: attempts.state,
      claimedAt: attempts.claimedAt,
    })
    .from(jobs)
    .innerJoin(attempts, and(eq(attempts.jobId, jobs.id), eq(attempts.number, jobs.attempt)))
    .where(condition)
    .orderBy(sql`+${jobs.seq}`) // the plus keeps SQLite from reading all jobs in their order
    .all();
}

export type End = {
  now: number;
  attempt: { state: AttemptState; error?: Failure; finishHash?: string; releaseReason?: ReleaseReason };
  /** `runAfterAt` for one that is queued again. */
  job: { state: JobState; error?: Failure; runAfterAt?: number; cachedFrom?: string };
  /** Told by the event, besides the state and the code. */
  detail?: Record<string, string>;
};

/** Both rows and the event of an attempt that ends. The caller has made sure, in the same transaction, that the job is at work. */
export function endAttempt(tx: Db, held: Pick<HeldJob, "id" | "attempt" | "uncounted">, end: End): void {
  const { now, attempt, job, detail } = end;
  tx.update(jobs)
    .set({
      state: job.state,
      stage: null,
      leaseExpiresAt: null,
      ...(job.state === "queued" ? { runAfterAt: job.runAfterAt ?? now } : { finishedAt: now }),
      ...(attempt.state === "released" && { uncounted: held.uncounted + 1 }),
      ...(job.cachedFrom !== undefined && { cachedFrom: job.cachedFrom }),
      errorCode: job.error?.code ?? null,
      errorMessage: job.error?.message ?? null,
      errorHint: job.error?.hint ?? null,
    })
    .where(eq(jobs.id, held.id))
    .run();
  tx.update(attempts)
    .set({
      state: attempt.state,
      finishedAt: now,
      errorCode: attempt.error?.code ?? null,
      errorMessage: attempt.error?.message ?? null,
      finishHash: attempt.finishHash ?? null,
      releaseReason: attempt.releaseReason ?? null,
    })
    .where(and(eq(attempts.jobId, held.id), eq(attempts.number, held.attempt)))
    .run();
  appendEvent(tx, {
    jobId: held.id,
    attempt: held.attempt,
    at: now,
    kind: "state",
    detail: { state: job.state, ...(job.error && { code: job.error.code }), ...detail },
  });
}

/** For a job that somebody canceled. */
export const canceledFailure: Failure = {
  code: "job.canceled",
  message: "The job was canceled.",
  hint: "Submit it again if it was a mistake.",
};

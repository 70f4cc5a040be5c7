import { and, eq, type SQL, sql } from "drizzle-orm";
import type { ErrorCode } from "#contract/error.ts";
import type { JobState } from "#contract/job.ts";
import { appendEvent } from "./append-event.ts";
import { type Held, isHeld } from "./held-by.ts";
import type { Db } from "./open.ts";
import { given, prepared } from "./prepared.ts";
import { type AttemptState, attempts, jobs, type ReleaseReason } from "./schema.ts";

export type Failure = { code: ErrorCode; message: string; hint: string };

/** What is needed of a job to end its attempt. Without the request: a row that cannot be read must not stop the others. */
const heldColumns = {
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

/** The job of a lease; undefined when it is lost. */
export function findHeld(tx: Db, { jobId, attempt, lease }: Held): HeldJob | undefined {
  return heldJob(tx).get({ jobId, attempt, lease });
}

const heldJob = prepared((db) => db.select(heldColumns).from(jobs).where(isHeld).prepare());

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
export function endAttempt(tx: Db, { id, attempt: number }: Pick<HeldJob, "id" | "attempt">, end: End): void {
  const { now, attempt, job, detail } = end;
  jobEnd(tx).run({
    id,
    state: job.state,
    runAfterAt: job.state === "queued" ? (job.runAfterAt ?? now) : null,
    finishedAt: job.state === "queued" ? null : now,
    uncounted: attempt.state === "released" ? 1 : 0,
    cachedFrom: job.cachedFrom ?? null,
    errorCode: job.error?.code ?? null,
    errorMessage: job.error?.message ?? null,
    errorHint: job.error?.hint ?? null,
  });
  attemptEnd(tx).run({
    id,
    number,
    state: attempt.state,
    now,
    errorCode: attempt.error?.code ?? null,
    errorMessage: attempt.error?.message ?? null,
    finishHash: attempt.finishHash ?? null,
    releaseReason: attempt.releaseReason ?? null,
  });
  appendEvent(tx, {
    jobId: id,
    attempt: number,
    at: now,
    kind: "state",
    detail: { state: job.state, ...(job.error && { code: job.error.code }), ...detail },
  });
}

/** What is null of `runAfterAt`, `finishedAt` and `cachedFrom` stays as it is. */
const jobEnd = prepared((db) =>
  db
    .update(jobs)
    .set({
      state: given("state"),
      stage: null,
      leaseExpiresAt: null,
      runAfterAt: sql`coalesce(${given("runAfterAt")}, ${jobs.runAfterAt})`,
      finishedAt: sql`coalesce(${given("finishedAt")}, ${jobs.finishedAt})`,
      uncounted: sql`${jobs.uncounted} + ${given("uncounted")}`,
      cachedFrom: sql`coalesce(${given("cachedFrom")}, ${jobs.cachedFrom})`,
      errorCode: given("errorCode"),
      errorMessage: given("errorMessage"),
      errorHint: given("errorHint"),
    })
    .where(eq(jobs.id, given("id")))
    .prepare(),
);

const attemptEnd = prepared((db) =>
  db
    .update(attempts)
    .set({
      state: given("state"),
      finishedAt: given("now"),
      errorCode: given("errorCode"),
      errorMessage: given("errorMessage"),
      finishHash: given("finishHash"),
      releaseReason: given("releaseReason"),
    })
    .where(and(eq(attempts.jobId, given("id")), eq(attempts.number, given("number"))))
    .prepare(),
);

/** For a job that somebody canceled. */
export const canceledFailure: Failure = {
  code: "job.canceled",
  message: "The job was canceled.",
  hint: "Submit it again if it was a mistake.",
};

import { and, eq } from "drizzle-orm";
import { type ErrorCode, errors } from "#contract/error.ts";
import type { JobState } from "#contract/job.ts";
import type { Report } from "#contract/report.ts";
import { appendEvent } from "./append-event.ts";
import { type Held, heldBy, leaseLost } from "./held-by.ts";
import { type Db, writing } from "./open.ts";
import { artifacts, attempts, jobs, reports } from "./schema.ts";

export type Failure = { code: ErrorCode; message: string; hint: string };

/** How an attempt ended. A failed one may have a report too: a slim image that did not pass verification. */
export type Outcome =
  | { state: "succeeded" }
  | { state: "failed"; error: Failure }
  | { state: "canceled"; error: Failure };

export type Finish = {
  outcome: Outcome;
  now: number;
  /** Null for a job that makes none: an `info`, or a run that ended early. */
  report: Report | null;
  artifacts: { name: string; key: string; bytes: number; sha256: string }[];
  /** Before this time a job that may be tried again is not handed out. */
  retryAt?: number;
};

/**
 * Ends an attempt: the job's state, its report, its artifacts and the event in one transaction, fenced by lease and attempt.
 *
 * A failure whose code is retryable puts the job back into the queue while it has attempts left. A canceled job ends as canceled,
 * whatever its runner says, unless it had already succeeded in its work. Gives the job's new state. Throws `lease.lost`.
 */
export function finishAttempt(db: Db, held: Held, finish: Finish): JobState {
  return writing(db, (tx) => {
    const job = tx.select().from(jobs).where(heldBy(held)).get();
    if (!job) throw leaseLost(held);
    const { outcome, now, report } = finish;
    const error = outcome.state === "succeeded" ? undefined : outcome.error;
    const attemptState = job.state === "canceling" && outcome.state === "failed" ? "canceled" : outcome.state;
    const isRetried =
      attemptState === "failed" && error && errors[error.code].retryable && job.attempt < job.maxAttempts;
    const state = isRetried ? "queued" : attemptState;

    tx.update(jobs)
      .set({
        state,
        leaseExpiresAt: null,
        ...(isRetried ? { runAfterAt: finish.retryAt ?? now } : { finishedAt: now }),
        errorCode: error?.code ?? null,
        errorMessage: error?.message ?? null,
        errorHint: error?.hint ?? null,
      })
      .where(heldBy(held))
      .run();
    tx.update(attempts)
      .set({
        state: attemptState,
        finishedAt: now,
        errorCode: error?.code ?? null,
        errorMessage: error?.message ?? null,
      })
      .where(and(eq(attempts.jobId, held.jobId), eq(attempts.number, held.attempt)))
      .run();
    // Of an attempt that is tried again the bytes stay in the store until retention, but no row leads to them.
    if (!isRetried) {
      if (report)
        tx.insert(reports)
          .values(toRow(held, report, now))
          .run();
      const rows = finish.artifacts.map((one) => ({
        ...one,
        jobId: held.jobId,
        attempt: held.attempt,
        createdAt: now,
      }));
      if (rows.length > 0) tx.insert(artifacts).values(rows).run();
    }
    const detail = { state, ...(error && { code: error.code }), ...(report?.verdict && { verdict: report.verdict }) };
    appendEvent(tx, { jobId: held.jobId, attempt: held.attempt, at: now, kind: "state", detail });
    return state;
  });
}

function toRow(held: Held, report: Report, now: number): typeof reports.$inferInsert {
  return {
    jobId: held.jobId,
    attempt: held.attempt,
    schemaVersion: report.schemaVersion,
    image: report.fat.reference,
    fatChainId: report.fat.chainId,
    slimChainId: report.slim?.chainId ?? null,
    architecture: report.fat.architecture,
    fatBytes: report.fat.rootfsBytes,
    slimBytes: report.slim?.rootfsBytes ?? null,
    ratio: report.ratio,
    verdict: report.verdict,
    verdictReason: report.verdictReason,
    durationMs: report.job.finishedAt - report.job.startedAt,
    createdAt: now,
  };
}

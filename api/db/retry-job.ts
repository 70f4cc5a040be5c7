import { eq } from "drizzle-orm";
import { WinnowError } from "#contract/error.ts";
import { appendEvent } from "./append-event.ts";
import { jobNotFound } from "./find-job.ts";
import { type Db, writing } from "./open.ts";
import { jobs } from "./schema.ts";
import { type Submitted, submitJob } from "./submit-job.ts";
import { candidateColumns, parseRequest } from "./take-job.ts";

const { priority, maxAttempts, needs, force, state, runAfterAt, dedupeKey } = jobs;
const { request } = candidateColumns;
const columns = { priority, maxAttempts, needs, force, state, runAfterAt, dedupeKey, request };

export type Retry = { jobId: string; now: number; by: string; submitter?: string | null };

/**
 * Tries a job again. One that rests before its next attempt is due now (`isNew` false); one that ended without a result is submitted anew
 * with the same work, since what has ended stays as it is. Throws `job.not-found`, and `job.wrong-state` for a job at work or one that
 * succeeded, and for one whose request cannot be read any more.
 */
export function retryJob(db: Db, { jobId, now, by, submitter }: Retry): Submitted {
  return writing(db, (tx) => {
    const job = tx.select(columns).from(jobs).where(eq(jobs.id, jobId)).get();
    if (!job) throw jobNotFound(jobId);
    if (job.state === "queued") {
      if (job.runAfterAt > now) tx.update(jobs).set({ runAfterAt: now }).where(eq(jobs.id, jobId)).run();
      appendEvent(tx, { jobId, at: now, kind: "note", detail: { text: "due now", by } });
      return { id: jobId, isNew: false };
    }
    if (!["failed", "canceled", "expired", "skipped"].includes(job.state)) throw wrongState(jobId, job.state);
    const request = parseRequest(job.request);
    if (!request) throw wrongState(jobId, "unreadable");
    const again = { ...job, dedupeKey: job.dedupeKey ?? undefined, submitter, request, now, retryOf: jobId };
    const submitted = submitJob(tx, again);
    appendEvent(tx, { jobId, at: now, kind: "note", detail: { retriedAs: submitted.id, by } });
    return submitted;
  });
}

function wrongState(jobId: string, state: string): WinnowError {
  return new WinnowError(
    "job.wrong-state",
    `${jobId} is ${state}: there is nothing to try again.`,
    "Wait for it to end, or submit it anew with `force`.",
  );
}

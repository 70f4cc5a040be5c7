import { eq } from "drizzle-orm";
import type { JobState } from "#contract/job.ts";
import { appendEvent } from "./append-event.ts";
import { atWork, canceledFailure, endAttempt } from "./end-attempt.ts";
import { jobNotFound } from "./find-job.ts";
import { type Db, writing } from "./open.ts";
import { jobs } from "./schema.ts";

export type Cancellation = {
  jobId: string;
  now: number;
  /** Who asked: the id of a token, or the name of a process. */
  by: string;
};

/**
 * Asks for a job to end. A queued job is canceled at once, and so is one whose runner has not confirmed its claim; one at work becomes
 * `canceling` and keeps its lease, so that its runner can clean up and finish; one that has ended stays as it is. Gives the state
 * after that. Throws `job.not-found`.
 */
export function cancelJob(db: Db, { jobId, now, by }: Cancellation): JobState {
  return writing(db, (tx) => {
    const job = tx.select({ state: jobs.state }).from(jobs).where(eq(jobs.id, jobId)).get();
    if (!job) throw jobNotFound(jobId);
    if (job.state === "queued") return cancelQueued(tx, { jobId, now, by });
    if (job.state !== "running") return job.state;
    tx.update(jobs).set({ cancelAskedAt: now }).where(eq(jobs.id, jobId)).run();
    const [unstarted] = atWork(tx, eq(jobs.id, jobId)).filter(({ attemptState }) => attemptState === "claimed");
    if (unstarted) {
      const error = canceledFailure;
      endAttempt(tx, unstarted, {
        now,
        attempt: { state: "canceled", error },
        job: { state: "canceled", error },
        detail: { by },
      });
      return "canceled";
    }
    tx.update(jobs).set({ state: "canceling" }).where(eq(jobs.id, jobId)).run();
    appendEvent(tx, { jobId, at: now, kind: "state", detail: { state: "canceling", by } });
    return "canceling";
  });
}

function cancelQueued(tx: Db, { jobId, now, by }: Cancellation): JobState {
  const { code: errorCode, message: errorMessage, hint: errorHint } = canceledFailure;
  tx.update(jobs)
    .set({ state: "canceled", finishedAt: now, cancelAskedAt: now, errorCode, errorMessage, errorHint })
    .where(eq(jobs.id, jobId))
    .run();
  appendEvent(tx, { jobId, at: now, kind: "state", detail: { state: "canceled", by } });
  return "canceled";
}

import { and, eq } from "drizzle-orm";
import type { JobState } from "#contract/job.ts";
import { appendEvent } from "./append-event.ts";
import { jobNotFound } from "./find-job.ts";
import { type Db, writing } from "./open.ts";
import { jobs } from "./schema.ts";

/**
 * Asks for a job to end. A queued job is canceled at once; one at work becomes `canceling` and keeps its lease, so that its
 * runner can clean up and finish; one that has ended stays as it is. Gives the state after that. Throws `job.not-found`.
 */
export function cancelJob(db: Db, { jobId, now, by }: { jobId: string; now: number; by: string }): JobState {
  return writing(db, (tx) => {
    const job = tx.select({ state: jobs.state }).from(jobs).where(eq(jobs.id, jobId)).get();
    if (!job) throw jobNotFound(jobId);
    const move = job.state === "queued" ? "canceled" : job.state === "running" ? "canceling" : undefined;
    if (!move) return job.state;
    tx.update(jobs)
      .set(move === "canceled" ? { state: move, finishedAt: now } : { state: move })
      .where(and(eq(jobs.id, jobId), eq(jobs.state, job.state)))
      .run();
    appendEvent(tx, { jobId, at: now, kind: "state", detail: { state: move, by } });
    return move;
  });
}

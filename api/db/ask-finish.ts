import { eq } from "drizzle-orm";
import { WinnowError } from "#contract/error.ts";
import { appendEvent } from "./append-event.ts";
import { jobNotFound } from "./find-job.ts";
import { type Db, writing } from "./open.ts";
import { jobs } from "./schema.ts";

/**
 * Tells a job at work that its observation may end: for a scenario that ends by `signal`. Its runner hears of it by its next heartbeat.
 * Asking twice is asking once. Throws `job.not-found`, and `job.wrong-state` for a job that is not at work.
 */
export function askFinish(db: Db, { jobId, now, by }: { jobId: string; now: number; by: string }): void {
  writing(db, (tx) => {
    const columns = { state: jobs.state, askedAt: jobs.finishAskedAt };
    const job = tx.select(columns).from(jobs).where(eq(jobs.id, jobId)).get();
    if (!job) throw jobNotFound(jobId);
    if (job.state !== "running") {
      throw new WinnowError(
        "job.wrong-state",
        `${jobId} is ${job.state}: it observes nothing.`,
        "Ask when the job is running.",
      );
    }
    if (job.askedAt !== null) return;
    tx.update(jobs).set({ finishAskedAt: now }).where(eq(jobs.id, jobId)).run();
    appendEvent(tx, { jobId, at: now, kind: "note", detail: { text: "the observation may end", by } });
  });
}

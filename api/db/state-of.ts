import { eq } from "drizzle-orm";
import type { JobState } from "#contract/job.ts";
import { jobNotFound } from "./find-job.ts";
import type { Db } from "./open.ts";
import { jobs } from "./schema.ts";

/** Throws `job.not-found`. */
export function stateOf(db: Db, jobId: string): JobState {
  const job = db.select({ state: jobs.state }).from(jobs).where(eq(jobs.id, jobId)).get();
  if (!job) throw jobNotFound(jobId);
  return job.state;
}

/** Whether nothing more will happen to a job in this state. */
export function isOver(state: JobState): boolean {
  return state !== "queued" && state !== "running" && state !== "canceling";
}

import { asc, eq } from "drizzle-orm";
import { jobNotFound } from "./find-job.ts";
import type { Db } from "./open.ts";
import { attempts, events, jobs } from "./schema.ts";

/** A job with its attempts and its history, oldest first. Throws `job.not-found`. */
export function readJob(db: Db, jobId: string) {
  const job = db.select().from(jobs).where(eq(jobs.id, jobId)).get();
  if (!job) throw jobNotFound(jobId);
  return {
    ...job,
    attempts: db.select().from(attempts).where(eq(attempts.jobId, jobId)).orderBy(asc(attempts.number)).all(),
    events: db.select().from(events).where(eq(events.jobId, jobId)).orderBy(asc(events.seq)).all(),
  };
}

export type JobDetail = ReturnType<typeof readJob>;

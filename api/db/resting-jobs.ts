import { and, desc, gt, sql } from "drizzle-orm";
import type { Db } from "./open.ts";
import { jobs } from "./schema.ts";

/** The queued jobs whose time has not come, the last first. */
export function restingJobs(db: Db, now: number): { id: string; runAfterAt: number }[] {
  return db
    .select({ id: jobs.id, runAfterAt: jobs.runAfterAt })
    .from(jobs)
    .where(and(sql`${jobs.state} = 'queued'`, gt(jobs.runAfterAt, now))) // spelled out for the partial index
    .orderBy(desc(jobs.runAfterAt))
    .all();
}

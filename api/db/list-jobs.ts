import { and, desc, eq, getTableColumns, inArray, lt } from "drizzle-orm";
import type { JobState } from "#contract/job.ts";
import type { Db } from "./open.ts";
import { jobs, reports } from "./schema.ts";

export type JobsPage = {
  limit: number;
  /** `seq` of the last job of the page before. */
  before?: number;
  states?: JobState[];
  image?: string;
};

const { request: _whole, ...columns } = getTableColumns(jobs);
const summary = {
  fatBytes: reports.fatBytes,
  slimBytes: reports.slimBytes,
  ratio: reports.ratio,
  verdict: reports.verdict,
  verdictReason: reports.verdictReason,
  durationMs: reports.durationMs,
};

/** Jobs, newest first, each with the summary of its report (nulls while it has none). */
export function listJobs(db: Db, { limit, before, states, image }: JobsPage) {
  return db
    .select({ ...columns, ...summary })
    .from(jobs)
    .leftJoin(reports, eq(reports.jobId, jobs.id))
    .where(
      and(
        before === undefined ? undefined : lt(jobs.seq, before),
        states === undefined ? undefined : inArray(jobs.state, states),
        image === undefined ? undefined : eq(jobs.image, image),
      ),
    )
    .orderBy(desc(jobs.seq))
    .limit(limit)
    .all();
}

export type JobSummary = ReturnType<typeof listJobs>[number];

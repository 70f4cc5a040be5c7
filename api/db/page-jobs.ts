import { and, desc, eq, gte, inArray, lt } from "drizzle-orm";
import type { JobKind, JobState } from "#contract/job.ts";
import type { Verdict } from "#contract/report.ts";
import { selectSummaries } from "./job-summary.ts";
import type { Db } from "./open.ts";
import { jobs, reports } from "./schema.ts";

export type JobsQuery = {
  /** How many at most. */
  size: number;
  /** `seq` of the last job of the page before. */
  before?: number;
  state?: JobState[];
  kind?: JobKind[];
  verdict?: Verdict[];
  image?: string;
  repository?: string;
  /** Of submission: from the first on, and before the second. */
  since?: number;
  until?: number;
};

/** Jobs, newest first. Pages stay what they are when jobs are added: those come before the first. */
export function pageJobs(db: Db, { size, before, state, kind, verdict, image, repository, since, until }: JobsQuery) {
  return selectSummaries(db)
    .where(
      and(
        before === undefined ? undefined : lt(jobs.seq, before),
        state && inArray(jobs.state, state),
        kind && inArray(jobs.kind, kind),
        verdict && inArray(reports.verdict, verdict),
        image === undefined ? undefined : eq(jobs.image, image),
        repository === undefined ? undefined : eq(jobs.repository, repository),
        since === undefined ? undefined : gte(jobs.submittedAt, since),
        until === undefined ? undefined : lt(jobs.submittedAt, until),
      ),
    )
    .orderBy(desc(jobs.seq))
    .limit(size)
    .all();
}

import { eq, getTableColumns, sql } from "drizzle-orm";
import type { JobSummary } from "#contract/service/job-view.ts";
import type { Db } from "./open.ts";
import { jobs, reports, runners } from "./schema.ts";

const { request: _whole, ...columns } = getTableColumns(jobs);

/** Jobs with what the contract's summary of a job needs, but without their requests, which may be long. */
export function selectSummaries(db: Db) {
  return db
    .select({ job: columns, report: reports, runnerName: runners.name })
    .from(jobs)
    .leftJoin(reports, eq(reports.jobId, sql`coalesce(${jobs.cachedFrom}, ${jobs.id})`)) // its own, or that it was answered with
    .leftJoin(runners, eq(runners.id, jobs.runner))
    .$dynamic();
}

type SummaryRow = ReturnType<ReturnType<typeof selectSummaries>["all"]>[number];

/** A job of the command line has the name of a process as its runner, and no row for it. */
export function toSummary({ job, report, runnerName }: SummaryRow): JobSummary {
  const { id, kind, state, image, repository, priority, maxAttempts, submittedAt, startedAt, finishedAt, cachedFrom } =
    job;
  const { errorCode, errorMessage, errorHint } = job;
  return {
    id,
    kind,
    state,
    image,
    repository,
    priority,
    attempts: job.attempt - job.uncounted,
    maxAttempts,
    runner: job.runner === null ? null : { id: job.runner, name: runnerName ?? job.runner },
    submittedAt,
    startedAt,
    finishedAt,
    error: errorCode && { code: errorCode, message: errorMessage ?? "", hint: errorHint ?? "" },
    summary: report && toReportSummary(report),
    cachedFrom,
  };
}

export function toReportSummary(report: typeof reports.$inferSelect) {
  const { fatBytes, slimBytes, ratio, verdict, verdictReason, durationMs } = report;
  return { fatBytes, slimBytes, ratio, verdict, verdictReason, durationMs };
}

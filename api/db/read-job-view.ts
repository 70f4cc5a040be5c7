import { asc, eq, sql } from "drizzle-orm";
import type { AttemptView, JobView } from "#contract/service/job-view.ts";
import { jobNotFound } from "./find-job.ts";
import { selectSummaries, toSummary } from "./job-summary.ts";
import type { Db } from "./open.ts";
import { prepared } from "./prepared.ts";
import { attempts, jobs, runners } from "./schema.ts";

/** A job as the API shows it, but for why it waits, and with its request as it was asked. Throws `job.not-found`. */
export function readJobView(db: Db, jobId: string): JobView {
  const row = summaryOf(db).get({ jobId });
  const asked = requestOf(db).get({ jobId });
  if (!row || !asked) throw jobNotFound(jobId);
  return {
    ...toSummary(row),
    request: asked.request,
    needs: row.job.needs,
    architecture: row.job.architecture,
    stage: row.job.state === "running" || row.job.state === "canceling" ? row.job.stage : null,
    waitReason: null,
    history: row.job.attempt === 0 ? [] : readHistory(db, jobId),
  };
}

const isJob = eq(jobs.id, sql.placeholder("jobId"));
const summaryOf = prepared((db) => selectSummaries(db).where(isJob).prepare());
const requestOf = prepared((db) => db.select({ request: jobs.request }).from(jobs).where(isJob).prepare());

function readHistory(db: Db, jobId: string): AttemptView[] {
  const rows = attemptsOf(db).all({ jobId });
  return rows.map(({ attempt, name }) => ({
    number: attempt.number,
    state: attempt.state,
    runner: { id: attempt.runner, name: name ?? attempt.runner },
    claimedAt: attempt.claimedAt,
    finishedAt: attempt.finishedAt,
    error: attempt.errorCode && { code: attempt.errorCode, message: attempt.errorMessage ?? "" },
  }));
}

const attemptsOf = prepared((db) =>
  db
    .select({ attempt: attempts, name: runners.name })
    .from(attempts)
    .leftJoin(runners, eq(runners.id, attempts.runner))
    .where(eq(attempts.jobId, sql.placeholder("jobId")))
    .orderBy(asc(attempts.number))
    .prepare(),
);

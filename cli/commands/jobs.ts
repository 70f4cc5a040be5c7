import { toSummary } from "#api/db/job-summary.ts";
import { pageJobs } from "#api/db/page-jobs.ts";
import { reapLocalAttempts } from "#api/db/reap-attempts.ts";
import type { JobSummary } from "#contract/service/job-view.ts";
import { escapeControl } from "../escape.ts";
import { formatAge, formatBytes, formatTable } from "../format.ts";
import { isStateEmpty, openState } from "../state.ts";
import type { World } from "../world.ts";

/** `winnow jobs`: what was asked and how it went, newest first. */
export function showJobs(
  { stdout, now }: World,
  { statePath, json, limit }: { statePath: string; json: boolean; limit: number },
): number {
  const jobs = isStateEmpty(statePath) ? [] : readJobs(statePath, { limit, now: now() });
  if (json) stdout.write(`${JSON.stringify({ jobs }, null, 2)}\n`);
  else if (jobs.length === 0) stdout.write("No jobs yet. Start one with `winnow slim IMAGE`.\n");
  else stdout.write(`${jobsTable(jobs, now())}\n`);
  return 0;
}

function readJobs(statePath: string, { limit, now }: { limit: number; now: number }): JobSummary[] {
  const { db } = openState(statePath);
  try {
    reapLocalAttempts(db, { now }); // or a job whose process was killed would be shown as running for ever
    return pageJobs(db, { size: limit }).map(toSummary);
  } finally {
    db.close();
  }
}

/** The list for a person; a ratio stands only beside its verdict. */
export function jobsTable(jobs: readonly JobSummary[], now: number): string {
  const head = ["JOB", "IMAGE", "KIND", "STATE", "VERDICT", "BEFORE → AFTER", "RATIO", "AGE"];
  return formatTable([head, ...jobs.map((job) => toRow(job, now))]);
}

const none = { fatBytes: null, slimBytes: null, ratio: null, verdict: null };

function toRow(job: JobSummary, now: number): string[] {
  const { fatBytes, slimBytes, ratio, verdict } = job.summary ?? none;
  const before = fatBytes === null ? "-" : formatBytes(fatBytes);
  return [
    job.id,
    escapeControl(job.image),
    job.kind,
    job.error && job.state === "failed" ? `failed (${job.error.code})` : job.state,
    verdict ?? "-",
    slimBytes === null ? before : `${before} → ${formatBytes(slimBytes)}`,
    ratio === null || verdict === null ? "-" : `${ratio.toFixed(1)}x`,
    formatAge(now - job.submittedAt),
  ];
}

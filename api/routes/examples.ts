// What the OpenAPI document shows; a test sees that each fits its schema.
import { JobRequest } from "#contract/job.ts";
import type { JobSummary, JobView } from "#contract/service/job-view.ts";

export const jobId = "job_01m2q4x9z3f8d6sk";
const at = 1_795_000_000_000;

export const submissionExample = {
  request: { image: "nginx:1.27", pull: "if-absent" as const },
  needs: { pool: "default" },
};

export const reportSummaryExample = {
  fatBytes: 192_000_000,
  slimBytes: 12_400_000,
  ratio: 15.48,
  verdict: "verified" as const,
  verdictReason: null,
  durationMs: 7_420,
};

export const jobSummaryExample: JobSummary = {
  id: jobId,
  kind: "slim",
  state: "succeeded",
  image: "nginx:1.27",
  repository: "docker.io/library/nginx",
  priority: 0,
  attempts: 1,
  maxAttempts: 3,
  runner: { id: "run_01m2q4", name: "build-host-1" },
  submittedAt: at,
  startedAt: at + 40,
  finishedAt: at + 7_460,
  error: null,
  summary: reportSummaryExample,
  cachedFrom: null,
};

export const jobViewExample: JobView = {
  ...jobSummaryExample,
  request: JobRequest.parse(submissionExample.request),
  needs: submissionExample.needs,
  architecture: "amd64",
  stage: null,
  waitReason: null,
  history: [
    {
      number: 1,
      state: "succeeded",
      runner: { id: "run_01m2q4", name: "build-host-1" },
      claimedAt: at + 20,
      finishedAt: at + 7_460,
      error: null,
    },
  ],
};

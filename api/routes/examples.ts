// What the OpenAPI document shows; a test sees that each fits its schema.
import { JobRequest } from "#contract/job.ts";
import type { AuditEntry } from "#contract/service/admin-view.ts";
import type { JobSummary, JobView } from "#contract/service/job-view.ts";
import type { RunnerView } from "#contract/service/runner-view.ts";
import type { TokenView } from "#contract/service/token.ts";

export const jobId = "job_01m2q4x9z3f8d6sk";
export const digestExample = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
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

export const imageExample = {
  repository: "docker.io/library/nginx",
  jobs: 12,
  lastJobAt: at,
  last: { ...reportSummaryExample, jobId, image: "nginx:1.27" },
};

export const trendExample = {
  jobId,
  at,
  image: "nginx:1.27",
  architecture: "amd64",
  fatBytes: 192_000_000,
  slimBytes: 12_400_000,
  ratio: 15.48,
  verdict: "verified" as const,
};

const change = (from: number, to: number) => ({ from, to, change: to / from - 1 });

export const comparisonExample = {
  from: jobSummaryExample,
  to: { ...jobSummaryExample, id: "job_01m2q51c3k7d8f2w", image: "nginx:1.28" },
  figures: {
    fatBytes: change(192_000_000, 196_000_000),
    slimBytes: change(12_400_000, 12_100_000),
    ratio: change(15.48, 16.2),
    entries: change(412, 409),
    durationMs: change(7420, 7100),
  },
  added: [{ path: "/usr/lib/x86_64-linux-gnu/libzstd.so.1", bytes: 784_000 }],
  removed: [],
  isCut: false,
};

export const runnerExample: RunnerView = {
  id: "run_01m2q4",
  name: "build-host-1",
  state: "online",
  labels: { pool: "default" },
  slots: 2,
  version: "0.1.0",
  engine: { version: "27.3.1", storage: "overlay2", kernel: "6.1.0", architectures: ["amd64"] },
  registeredAt: at,
  lastSeenAt: at + 15_000,
  diskFreeBytes: 81_000_000_000,
  paused: null,
  jobs: [jobId],
};

export const tokenExample: TokenView = {
  id: "tok_6d0f1c2b9a8e7f53",
  name: "ci",
  scope: "submit",
  lastFour: "x9Qa",
  createdAt: at,
  expiresAt: at + 90 * 86_400_000,
  revokedAt: null,
  lastUsedAt: at + 60_000,
};

export const auditExample: AuditEntry = {
  seq: 4711,
  at,
  actor: "tok_6d0f1c2b9a8e7f53",
  address: "192.0.2.10",
  action: "POST /api/v1/jobs/{id}/cancel",
  object: jobId,
  status: 200,
  requestId: "6b0f6f5e-5b3a-4a52-9c1e-0d6a3f1c2b4d",
};

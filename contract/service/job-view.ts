import { z } from "zod";
import { JobKind, JobRequest, JobState } from "../job.ts";
import { Verdict } from "../report.ts";
import { Failure, Label, Labels } from "./runner-protocol.ts";

export const JobId = z.string().regex(/^job_[0-9a-z]{1,40}$/, "write the id of a job, job_…");

/** `POST /jobs`. Besides the work itself: where it may be done, how urgent it is, and whether an earlier result will do. */
export const Submission = z.strictObject({
  request: JobRequest,
  /** Higher ones first; the same: first come, first served. */
  priority: z.int().min(-100).max(100).default(0),
  /** Labels that the runner must have. */
  needs: z.record(Label, z.string().max(200)).default({}),
  /** Work even when the same request on the same image was verified before. */
  force: z.boolean().default(false),
  maxAttempts: z.int().min(1).max(10).default(3),
});
export type Submission = z.infer<typeof Submission>;

/** Why a queued job was not handed out yet, as a code and in words. */
export const WaitReason = z.object({
  code: z.enum([
    "next",
    "retry-at",
    "no-runner",
    "no-runner-with-labels",
    "no-runner-for-architecture",
    "draining",
    "paused",
    "busy",
  ]),
  text: z.string(),
});
export type WaitReason = z.infer<typeof WaitReason>;

/** What lists show of a report. Sizes in bytes of the flattened rootfs. */
export const ReportSummary = z.object({
  fatBytes: z.int(),
  slimBytes: z.int().nullable(),
  ratio: z.number().nullable(),
  verdict: Verdict.nullable(),
  verdictReason: z.string().nullable(),
  durationMs: z.int(),
});
export type ReportSummary = z.infer<typeof ReportSummary>;

/** A job as lists show it. Times are milliseconds UTC. */
export const JobSummary = z.object({
  id: JobId,
  kind: JobKind,
  state: JobState,
  /** The image reference as asked, and its repository without tag and digest. */
  image: z.string(),
  repository: z.string(),
  priority: z.int(),
  /** Attempts so far and at most; those that a runner gave back untouched do not count. */
  attempts: z.int(),
  maxAttempts: z.int(),
  /** The runner that has it or had it last. */
  runner: z.object({ id: z.string(), name: z.string() }).nullable(),
  submittedAt: z.int(),
  startedAt: z.int().nullable(),
  finishedAt: z.int().nullable(),
  error: Failure.nullable(),
  summary: ReportSummary.nullable(),
  /** The job whose result this one was answered with. */
  cachedFrom: JobId.nullable(),
});
export type JobSummary = z.infer<typeof JobSummary>;

export const AttemptView = z.object({
  number: z.int(),
  state: z.enum(["claimed", "running", "succeeded", "failed", "canceled", "lost", "released"]),
  runner: z.object({ id: z.string(), name: z.string() }),
  claimedAt: z.int(),
  finishedAt: z.int().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});
export type AttemptView = z.infer<typeof AttemptView>;

/** A job with all that is known of it. Secrets in the request are shown as `[redacted]`. */
export const JobView = JobSummary.extend({
  request: JobRequest,
  needs: Labels,
  architecture: z.string().nullable(),
  /** The stage that it is in, while it runs. */
  stage: z.string().nullable(),
  /** Only while it is queued. */
  waitReason: WaitReason.nullable(),
  history: z.array(AttemptView),
});
export type JobView = z.infer<typeof JobView>;

/** `next` leads to the next page as `cursor`; null on the last. */
export const JobList = z.object({ jobs: z.array(JobSummary), next: z.string().nullable() });
export type JobList = z.infer<typeof JobList>;

/** `isNew` is false when an active job with the same work was there, or the job was answered from an earlier one. */
export const Submitted = z.object({ job: JobView, isNew: z.boolean() });
export type Submitted = z.infer<typeof Submitted>;

/** One event of a job, as `GET /jobs/ID/events` sends it: `id` for `Last-Event-ID`, `event` its kind, `data` this. */
export const JobEvent = z.object({
  seq: z.int(),
  jobId: JobId,
  attempt: z.int().nullable(),
  at: z.int(),
  kind: z.enum(["state", "stage", "note"]),
  detail: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
});
export type JobEvent = z.infer<typeof JobEvent>;

export const ArtifactView = z.object({ name: z.string(), bytes: z.int(), sha256: z.string(), createdAt: z.int() });
export const ArtifactList = z.object({ artifacts: z.array(ArtifactView) });
export type ArtifactView = z.infer<typeof ArtifactView>;

import { z } from "zod";
import { type ErrorCode, errors } from "../error.ts";
import { JobRequest } from "../job.ts";
import { Timings } from "./timings.ts";

/** Raised when an older runner would misunderstand; sent as `Winnow-Protocol`. The server accepts this one and the one before. */
export const protocolVersion = 1;
export const protocolHeader = "winnow-protocol";

export const Label = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/, "write letters, digits and . _ / -");
export const Labels = z.record(Label, z.string().max(200));
export type Labels = z.infer<typeof Labels>;

/** What a runner knows of its engine. Shown to people, and `architectures` decides which jobs it gets. */
export const EngineFacts = z.strictObject({
  version: z.string(),
  storage: z.string(),
  kernel: z.string(),
  /** Those that images can have here, as Go names them: `amd64`, and emulated ones. */
  architectures: z.array(z.string()).min(1),
});
export type EngineFacts = z.infer<typeof EngineFacts>;

/** What a runner says of itself at each start. */
export const RunnerFacts = z.strictObject({
  /** New with each start of its process: what an earlier one held is lost. */
  bootId: z.uuid(),
  version: z.string(),
  labels: Labels.default({}),
  /** How many jobs it works on at a time. */
  slots: z.int().min(1).max(64),
  engine: EngineFacts,
});
export type RunnerFacts = z.infer<typeof RunnerFacts>;

/** `POST /runners`, with a token of scope `runner`. The same `systemId` gives the same runner, with a new token. */
export const Registration = RunnerFacts.extend({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "write letters, digits and . _ -")
    .describe("how people know the runner"),
  /** Random, kept in the runner's state: tells hosts apart whatever they are called. */
  systemId: z.uuid(),
});
export type Registration = z.infer<typeof Registration>;

/** `POST /runner/session`, with the runner's own token. */
export const Session = z.object({ runnerId: z.string(), serverTime: z.int(), timings: Timings });
export type Session = z.infer<typeof Session>;

export const Registered = Session.extend({ token: z.string() });
export type Registered = z.infer<typeof Registered>;

/** `POST /runner/claim`. The same `claimId` gives the same jobs again while they were not started. */
export const ClaimRequest = z.strictObject({
  claimId: z.uuid(),
  slots: z.int().min(1).max(16),
  /** How long to wait when there is nothing to do; the server's `pollMs` is the most. */
  waitMs: z.int().min(0).default(0),
});
export type ClaimRequest = z.infer<typeof ClaimRequest>;

/** One job to work on. `token` is good for the calls below `/attempts/JOB/ATTEMPT` and dies with the attempt. */
export const ClaimedJob = z.object({
  jobId: z.string(),
  attempt: z.int(),
  lease: z.int(),
  token: z.string(),
  request: JobRequest,
  /** The caller did not want an earlier result. */
  force: z.boolean(),
});
export type ClaimedJob = z.infer<typeof ClaimedJob>;

/** 204 when there was nothing to do. */
export const Claimed = z.object({ jobs: z.array(ClaimedJob).min(1) });
export type Claimed = z.infer<typeof Claimed>;

/** `POST …/start`: work begins only after this answer. */
export const Started = z.object({ leaseMs: z.int() });
export type Started = z.infer<typeof Started>;

/** `POST /runner/heartbeat`: one call for all attempts of the runner. */
export const Heartbeat = z.strictObject({
  attempts: z.array(z.strictObject({ jobId: z.string(), attempt: z.int(), lease: z.int() })).max(64),
  draining: z.boolean().default(false),
  diskFreeBytes: z.int().min(0).nullable().default(null),
  /** Why it takes no jobs at present, e.g. `disk below 10 GiB`. */
  paused: z.string().max(300).nullable().default(null),
});
export type Heartbeat = z.infer<typeof Heartbeat>;

/**
 * `continue`: the lease was extended. `cancel`: end, clean up, finish as canceled. `finish-observation`: the user says that the
 * observation may end. `abandon`: the lease is gone; clean up and say nothing more.
 */
export const AttemptAction = z.enum(["continue", "cancel", "finish-observation", "abandon"]);
export type AttemptAction = z.infer<typeof AttemptAction>;

export const HeartbeatAnswer = z.object({
  attempts: z.array(z.object({ jobId: z.string(), attempt: z.int(), action: AttemptAction })),
  /** `drain`: finish what it has, claim nothing more, and exit. */
  runner: z.enum(["continue", "drain"]),
  leaseMs: z.int(),
});
export type HeartbeatAnswer = z.infer<typeof HeartbeatAnswer>;

const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** `POST …/source`: what the reference was resolved to. The answer may be an earlier job with the same work and result. */
export const Source = z.strictObject({
  /** SHA-256 over chain id, config and platform: equal keys are the same image on whatever engine. */
  key: Digest,
  chainId: Digest,
  os: z.string(),
  architecture: z.string(),
});
export type Source = z.infer<typeof Source>;

export const SourceAnswer = z.discriminatedUnion("action", [
  z.object({ action: z.literal("work") }),
  z.object({
    action: z.literal("cached"),
    jobId: z.string(),
    /** The slim image of that job: the runner answers from it only when its own engine has it. Null when none was made. */
    slim: z.object({ tags: z.array(z.string()), chainId: Digest }).nullable(),
  }),
]);
export type SourceAnswer = z.infer<typeof SourceAnswer>;

const Stage = z.discriminatedUnion("state", [
  z.strictObject({ kind: z.literal("stage"), stage: z.string().max(60), state: z.literal("started") }),
  z.strictObject({
    kind: z.literal("stage"),
    stage: z.string().max(60),
    state: z.literal("done"),
    durationMs: z.number().min(0),
    detail: z.string().max(2000),
  }),
]);

/** `POST …/progress`: what whoever watches sees. Stages as they begin and end, and remarks. */
export const Progress = z.discriminatedUnion("kind", [
  Stage, // a union of its own: in one union each `kind` may stand once
  z.strictObject({ kind: z.literal("note"), text: z.string().max(2000) }),
]);
export type Progress = z.infer<typeof Progress>;

/** `from` is the number of the first event, counted from 0 in each attempt: what the server has already is passed over. */
export const ProgressBatch = z.strictObject({ from: z.int().min(0), events: z.array(Progress).min(1).max(200) });
export type ProgressBatch = z.infer<typeof ProgressBatch>;
export const ProgressAnswer = z.object({ next: z.int() });

/** Bytes of one `PATCH …/log?offset=N`, as sent. */
export const maxLogChunkBytes = 256 * 2 ** 10;
/** `next`: the offset that is wanted now; also in the 416 to a chunk that leaves a gap, as header `winnow-log-next`. */
export const LogAnswer = z.object({ next: z.int() });
export type LogAnswer = z.infer<typeof LogAnswer>;
export const logNextHeader = "winnow-log-next";

export const ArtifactName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "write letters, digits, dots, dashes and underscores");

/** `POST …/artifacts`: asks where the bytes may go. The same name again replaces what was offered before. */
export const ArtifactOffer = z.strictObject({
  name: ArtifactName,
  bytes: z
    .int()
    .min(0)
    .max(5 * 2 ** 30),
  sha256: Sha256,
});
export type ArtifactOffer = z.infer<typeof ArtifactOffer>;

/** A PUT of exactly these bytes. A `url` that begins with a slash is the API's own and takes the attempt's token. */
export const ArtifactTicket = z.object({
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  expiresAt: z.int(),
});
export type ArtifactTicket = z.infer<typeof ArtifactTicket>;

const errorCodes = Object.keys(errors) as [ErrorCode, ...ErrorCode[]]; // Object.keys forgets what the catalogue's keys are
export const Failure = z.strictObject({
  code: z.enum(errorCodes),
  message: z.string().max(10_000),
  hint: z.string().max(2_000),
});
export type Failure = z.infer<typeof Failure>;

/** How an attempt ended. A failed one may have a report too: a slim image that did not pass verification. */
export const Outcome = z.discriminatedUnion("state", [
  z.strictObject({ state: z.literal("succeeded") }),
  z.strictObject({ state: z.literal("failed"), error: Failure }),
  z.strictObject({ state: z.literal("canceled"), error: Failure }),
]);
export type Outcome = z.infer<typeof Outcome>;

/** `POST …/finish`. Equal bodies get equal answers, however often; the report is the artifact `report.json`, if committed. */
export const Finish = z.strictObject({
  outcome: Outcome,
  /** What the log has in all: the job is not finished before it is there. */
  log: z.strictObject({ bytes: z.int().min(0), sha256: Sha256 }),
  /** The job whose result is the answer, after `source` said `cached`. */
  cachedFrom: z.string().optional(),
});
export type Finish = z.infer<typeof Finish>;

/** The job's state after it; `queued` when the attempt failed and the job is tried again. */
export const Finished = z.object({ state: z.string() });
export type Finished = z.infer<typeof Finished>;

/** `POST …/release`: gives a job back untouched; the attempt does not count. */
export const Release = z.strictObject({
  reason: z.enum(["drain", "disk", "unfit"]),
  detail: z.string().max(300).default(""),
});
export type Release = z.infer<typeof Release>;

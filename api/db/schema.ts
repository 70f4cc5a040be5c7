import { sql } from "drizzle-orm";
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { ErrorCode } from "#contract/error.ts";
import type { JobKind, JobRequest, JobState } from "#contract/job.ts";
import type { Verdict } from "#contract/report.ts";
import type { EngineFacts, Labels, Release } from "#contract/service/runner-protocol.ts";
import type { TokenScope } from "#contract/service/token.ts";

/** One try at a job. `claimed` and `released` belong to runners that confirm a claim before they work. */
export type AttemptState = "claimed" | "running" | "succeeded" | "failed" | "canceled" | "lost" | "released";

/** Why an attempt was given back: by its runner, because it was never confirmed, or because nobody could renew its lease while the server was away. */
export type ReleaseReason = Release["reason"] | "not-started" | "server-away";

/** What an event of a job tells: a move to another state, a stage's progress, or a remark. */
export type EventKind = "state" | "stage" | "note";

/** The queue and the history of what was asked. All times are milliseconds UTC. */
export const jobs = sqliteTable(
  "jobs",
  {
    /** Order of arrival; ids of the same millisecond do not sort. */
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    id: text("id").notNull().unique(),
    kind: text("kind").$type<JobKind>().notNull(),
    state: text("state").$type<JobState>().notNull(),
    /** The image reference as asked. */
    image: text("image").notNull(),
    /** The same without tag and digest, fully written out (`docker.io/library/nginx`). */
    repository: text("repository").notNull().default(""),
    request: text("request", { mode: "json" }).$type<JobRequest>().notNull(),
    priority: integer("priority").notNull().default(0),
    /** At most one active job has it; null takes no part. */
    dedupeKey: text("dedupe_key"),
    runAfterAt: integer("run_after_at").notNull(),
    /** Attempts claimed so far; the current attempt's number while the job runs. */
    attempt: integer("attempt").notNull().default(0),
    maxAttempts: integer("max_attempts").notNull(),
    runner: text("runner"),
    /** Fencing token: rises with every claim and never falls. */
    lease: integer("lease").notNull().default(0),
    leaseExpiresAt: integer("lease_expires_at"),
    submittedAt: integer("submitted_at").notNull(),
    startedAt: integer("started_at"),
    finishedAt: integer("finished_at"),
    errorCode: text("error_code").$type<ErrorCode>(),
    errorMessage: text("error_message"),
    errorHint: text("error_hint"),
    /** Labels that the runner must have. */
    needs: text("needs", { mode: "json" }).$type<Labels>().notNull().default({}),
    /** Of the image, once an attempt resolved it; only runners that can run it get the job from then on. */
    architecture: text("architecture"),
    /** Attempts that a runner gave back untouched, or never confirmed: they do not count against `maxAttempts`. */
    uncounted: integer("uncounted").notNull().default(0),
    /** SHA-256 of the canonical request: equal work has equal hashes. */
    requestHash: text("request_hash"),
    /** What the reference was resolved to; see `Source` in contract/service/runner-protocol.ts. */
    sourceKey: text("source_key"),
    /** Version of Winnow that did the work. */
    workVersion: text("work_version"),
    force: integer("force", { mode: "boolean" }).notNull().default(false),
    /** The job whose result this one was answered with. */
    cachedFrom: text("cached_from"),
    /** When somebody asked for the observation to end, and for the job to be canceled. */
    finishAskedAt: integer("finish_asked_at"),
    cancelAskedAt: integer("cancel_asked_at"),
    /** Id of the token that submitted it; null for the command line. */
    submitter: text("submitter"),
    /** The stage that the current attempt is in. */
    stage: text("stage"),
  },
  (table) => [
    index("jobs_queue").on(sql`${table.priority} desc`, table.seq).where(sql`${table.state} = 'queued'`),
    index("jobs_lease").on(table.leaseExpiresAt).where(sql`${table.state} in ('running', 'canceling')`),
    index("jobs_held").on(table.runner).where(sql`${table.state} in ('running', 'canceling')`),
    uniqueIndex("jobs_dedupe").on(table.dedupeKey).where(sql`${table.state} in ('queued', 'running', 'canceling')`),
    index("jobs_image").on(table.image, table.seq),
    index("jobs_repository").on(table.repository, table.seq),
    index("jobs_result").on(table.sourceKey, table.requestHash).where(sql`${table.state} = 'succeeded'`),
    index("jobs_request").on(table.requestHash).where(sql`${table.state} = 'succeeded'`),
    index("jobs_cached").on(table.cachedFrom).where(sql`${table.cachedFrom} is not null`),
  ],
);

export const attempts = sqliteTable(
  "attempts",
  {
    jobId: text("job_id")
      .notNull()
      .references(() => jobs.id),
    number: integer("number").notNull(),
    state: text("state").$type<AttemptState>().notNull(),
    runner: text("runner").notNull(),
    lease: integer("lease").notNull(),
    claimedAt: integer("claimed_at").notNull(),
    finishedAt: integer("finished_at"),
    errorCode: text("error_code").$type<ErrorCode>(),
    errorMessage: text("error_message"),
    /** The claim that made it: the same claim gets it again. */
    claimId: text("claim_id"),
    startedAt: integer("started_at"),
    /** SHA-256 of the attempt's token, hex; a repeated claim renews it. Void once the attempt has ended, but for the same `finish` again. */
    tokenHash: text("token_hash"),
    /** Progress events so far. */
    progressNext: integer("progress_next").notNull().default(0),
    /** SHA-256 of the body that finished it: the same body gets the same answer again. */
    finishHash: text("finish_hash"),
    /** A runner for which a job was `unfit` does not get it again. */
    releaseReason: text("release_reason").$type<ReleaseReason>(),
  },
  (table) => [
    primaryKey({ columns: [table.jobId, table.number] }),
    uniqueIndex("attempts_token").on(table.tokenHash),
    index("attempts_claim").on(table.claimId),
  ],
);

/** What lists and trends show of a report; the document itself is the artifact `report.json`. */
export const reports = sqliteTable(
  "reports",
  {
    jobId: text("job_id")
      .primaryKey()
      .references(() => jobs.id),
    attempt: integer("attempt").notNull(),
    schemaVersion: integer("schema_version").notNull(),
    image: text("image").notNull(),
    repository: text("repository").notNull().default(""),
    fatChainId: text("fat_chain_id").notNull(),
    slimChainId: text("slim_chain_id"),
    architecture: text("architecture").notNull(),
    /** Sizes of the flattened rootfs, bytes; null for a profile job, which builds nothing. */
    fatBytes: integer("fat_bytes").notNull(),
    slimBytes: integer("slim_bytes"),
    ratio: real("ratio"),
    verdict: text("verdict").$type<Verdict>(),
    verdictReason: text("verdict_reason"),
    durationMs: integer("duration_ms").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [
    index("reports_image").on(table.image, table.createdAt),
    index("reports_repository").on(table.repository, table.createdAt),
  ],
);

/** What the winning attempt of a job stored; `key` leads to the bytes. */
export const artifacts = sqliteTable(
  "artifacts",
  {
    jobId: text("job_id")
      .notNull()
      .references(() => jobs.id),
    attempt: integer("attempt").notNull(),
    name: text("name").notNull(),
    key: text("key").notNull(),
    bytes: integer("bytes").notNull(),
    sha256: text("sha256").notNull(),
    createdAt: integer("created_at").notNull(),
    /** When retention took the bytes away; the row stays, so that it can say so. */
    removedAt: integer("removed_at"),
  },
  (table) => [
    primaryKey({ columns: [table.jobId, table.attempt, table.name] }),
    // What retention may take away. The names are spelled out, as an index cannot have parameters; see upkeep/retention.ts.
    index("artifacts_removable")
      .on(table.createdAt)
      .where(
        sql`${table.removedAt} is null and ${table.name} not in ('report.json', 'seccomp.json', 'apparmor.profile')`,
      ),
  ],
);

export const events = sqliteTable(
  "events",
  {
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    jobId: text("job_id")
      .notNull()
      .references(() => jobs.id),
    /** Null for what happens to a job outside an attempt. */
    attempt: integer("attempt"),
    at: integer("at").notNull(),
    kind: text("kind").$type<EventKind>().notNull(),
    detail: text("detail", { mode: "json" }).$type<Record<string, string | number | null>>().notNull(),
  },
  (table) => [index("events_job").on(table.jobId, table.seq)],
);

/** Artifacts on their way: offered by a runner, and committed when size and digest were seen to be right. */
export const uploads = sqliteTable(
  "uploads",
  {
    jobId: text("job_id")
      .notNull()
      .references(() => jobs.id),
    attempt: integer("attempt").notNull(),
    name: text("name").notNull(),
    bytes: integer("bytes").notNull(),
    sha256: text("sha256").notNull(),
    offeredAt: integer("offered_at").notNull(),
    committedAt: integer("committed_at"),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.attempt, table.name] })],
);

export const runners = sqliteTable("runners", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  /** Random, from the runner's state: the same host registers as the same runner. */
  systemId: text("system_id").notNull().unique(),
  bootId: text("boot_id").notNull(),
  tokenHash: text("token_hash").notNull().unique(),
  labels: text("labels", { mode: "json" }).$type<Labels>().notNull(),
  slots: integer("slots").notNull(),
  version: text("version").notNull(),
  engine: text("engine", { mode: "json" }).$type<EngineFacts>().notNull(),
  registeredAt: integer("registered_at").notNull(),
  lastSeenAt: integer("last_seen_at").notNull(),
  /** Set when somebody asked it to drain; cleared by its next session. */
  drainAskedAt: integer("drain_asked_at"),
  isDraining: integer("is_draining", { mode: "boolean" }).notNull().default(false),
  diskFreeBytes: integer("disk_free_bytes"),
  paused: text("paused"),
  /** Removed runners stay as a name for the history; their token is void. */
  removedAt: integer("removed_at"),
});

export const tokens = sqliteTable("tokens", {
  id: text("id").primaryKey(),
  name: text("name").notNull(),
  scope: text("scope").$type<TokenScope>().notNull(),
  /** SHA-256 of the token, hex; it has 256 random bits, so that no slow hash is needed. */
  hash: text("hash").notNull().unique(),
  lastFour: text("last_four").notNull(),
  createdAt: integer("created_at").notNull(),
  expiresAt: integer("expires_at").notNull(),
  revokedAt: integer("revoked_at"),
  lastUsedAt: integer("last_used_at"),
});

/** Answers to requests with an `Idempotency-Key`, in the same transaction as what they did; kept for a day. */
export const idempotency = sqliteTable(
  "idempotency",
  {
    /** Id of the token, method, path and key. */
    actor: text("actor").notNull(),
    route: text("route").notNull(),
    key: text("key").notNull(),
    requestHash: text("request_hash").notNull(),
    status: integer("status").notNull(),
    body: text("body").notNull(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.actor, table.route, table.key] }),
    index("idempotency_age").on(table.createdAt),
  ],
);

/** Who changed what: append-only, one row for each request that changed something. Never holds a secret. */
export const audit = sqliteTable(
  "audit",
  {
    seq: integer("seq").primaryKey({ autoIncrement: true }),
    at: integer("at").notNull(),
    /** Id of the token, or of the runner. */
    actor: text("actor").notNull(),
    address: text("address"),
    /** Method and route, e.g. `POST /api/v1/jobs/{id}/cancel`. */
    action: text("action").notNull(),
    object: text("object"),
    status: integer("status").notNull(),
    requestId: text("request_id").notNull(),
  },
  (table) => [index("audit_at").on(table.at)],
);

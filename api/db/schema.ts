import { sql } from "drizzle-orm";
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { ErrorCode } from "#contract/error.ts";
import type { JobKind, JobRequest, JobState } from "#contract/job.ts";
import type { Verdict } from "#contract/report.ts";

/** One try at a job. `claimed` and `released` belong to runners that confirm a claim before they work. */
export type AttemptState = "claimed" | "running" | "succeeded" | "failed" | "canceled" | "lost" | "released";

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
  },
  (table) => [
    index("jobs_queue").on(sql`${table.priority} desc`, table.seq).where(sql`${table.state} = 'queued'`),
    index("jobs_lease").on(table.leaseExpiresAt).where(sql`${table.state} in ('running', 'canceling')`),
    uniqueIndex("jobs_dedupe").on(table.dedupeKey).where(sql`${table.state} in ('queued', 'running', 'canceling')`),
    index("jobs_image").on(table.image, table.seq),
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
  },
  (table) => [primaryKey({ columns: [table.jobId, table.number] })],
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
  (table) => [index("reports_image").on(table.image, table.createdAt)],
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
  },
  (table) => [primaryKey({ columns: [table.jobId, table.attempt, table.name] })],
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

import { and, eq, isNotNull, sql } from "drizzle-orm";
import { errors, WinnowError } from "#contract/error.ts";
import type { JobState } from "#contract/job.ts";
import type { Report } from "#contract/report.ts";
import type { Outcome } from "#contract/service/runner-protocol.ts";
import { artifactKey } from "../store/key.ts";
import { canceledFailure, endAttempt, findHeld, type HeldJob } from "./end-attempt.ts";
import { type Held, leaseLost } from "./held-by.ts";
import { type Db, writing } from "./open.ts";
import { placeholdersOf, prepared } from "./prepared.ts";
import { retryDelayMs } from "./retry-delay.ts";
import { artifacts, attempts, jobs, reports, uploads } from "./schema.ts";

export type { Outcome } from "#contract/service/runner-protocol.ts";

export type StoredArtifact = { name: string; key: string; bytes: number; sha256: string };

export type Finishing = {
  outcome: Outcome;
  now: number;
  /** Null for a job that makes none: an `info`, or a run that ended early. */
  report: Report | null;
  /** What the caller stored itself; the attempt's committed uploads come on top. */
  artifacts?: StoredArtifact[];
  /** SHA-256 of the body that asked for it: the same body gets the same answer again. */
  finishHash?: string;
  /** The job whose result is the answer. */
  cachedFrom?: string;
  /** From [0, 1): spreads retries. Left out: none are spread. */
  random?: number;
};

/**
 * Ends an attempt: the job's state, its report, its artifacts and the event in one transaction, fenced by lease and attempt.
 *
 * A failure whose code is retryable puts the job back into the queue while it has attempts left, to rest for `retryDelayMs`. A job that is
 * being canceled ends as canceled, whatever its runner says, unless it had already succeeded in its work. Gives the job's new state.
 * Throws `lease.lost`, and `request.invalid` when `cachedFrom` is no result of the same work.
 */
export function finishAttempt(db: Db, held: Held, finish: Finishing): JobState {
  return writing(db, (tx) => {
    const job = findHeld(tx, held);
    if (!job) return repeated(tx, held, finish.finishHash);
    if (finish.cachedFrom !== undefined) assertSameWork(tx, held.jobId, finish.cachedFrom);
    const { attempt, state } = judge(job, finish.outcome);
    const error = attempt === "succeeded" ? undefined : errorOf(finish.outcome, job);
    const delayMs = retryDelayMs(job.attempt - job.uncounted, finish.random ?? 0.5);
    endAttempt(tx, job, {
      now: finish.now,
      attempt: { state: attempt, error, finishHash: finish.finishHash },
      job: {
        state,
        error,
        cachedFrom: finish.cachedFrom,
        ...(state === "queued" && { runAfterAt: finish.now + delayMs }),
      },
      detail: { ...(finish.report?.verdict && { verdict: finish.report.verdict }) },
    });
    // Of an attempt that is tried again the bytes stay in the store until upkeep finds that no row leads to them.
    if (state !== "queued") storeResult(tx, job, finish);
    return state;
  });
}

type Ended = "succeeded" | "failed" | "canceled";

function judge(job: HeldJob, outcome: Outcome): { attempt: Ended; state: Ended | "queued" } {
  const attempt = job.state === "canceling" && outcome.state === "failed" ? "canceled" : outcome.state;
  const isLast = job.attempt - job.uncounted >= job.maxAttempts;
  const isRetried = attempt === "failed" && outcome.state === "failed" && errors[outcome.error.code].retryable;
  return { attempt, state: isRetried && !isLast ? "queued" : attempt };
}

function errorOf(outcome: Outcome, job: HeldJob) {
  if (job.state === "canceling") return canceledFailure;
  return outcome.state === "succeeded" ? undefined : outcome.error;
}

/** The answer to a `finish` that came before: its own when it is the same, as its runner may not have heard it. Throws `lease.lost`. */
function repeated(tx: Db, held: Held, finishHash: string | undefined): JobState {
  const isIt = and(
    eq(attempts.jobId, held.jobId),
    eq(attempts.number, held.attempt),
    eq(attempts.lease, held.lease),
    isNotNull(attempts.finishHash),
  );
  const before = tx
    .select({ state: attempts.state, finishHash: attempts.finishHash, job: jobs.state, attempt: jobs.attempt })
    .from(attempts)
    .innerJoin(jobs, eq(jobs.id, attempts.jobId))
    .where(isIt)
    .get();
  if (!before || before.finishHash !== finishHash) throw leaseLost(held);
  if (before.state === "succeeded" || before.state === "canceled") return before.state;
  // It failed. Unless that was the end of the job, it had been queued again, whatever became of it since.
  return before.attempt === held.attempt && before.job === "failed" ? "failed" : "queued";
}

function assertSameWork(tx: Db, jobId: string, cachedFrom: string): void {
  const workOf = (id: string) =>
    tx
      .select({ state: jobs.state, work: jobs.requestHash, source: jobs.sourceKey, cachedFrom: jobs.cachedFrom })
      .from(jobs)
      .where(eq(jobs.id, id))
      .get();
  const [mine, theirs] = [workOf(jobId), workOf(cachedFrom)];
  const isSame = theirs?.state === "succeeded" && theirs.cachedFrom === null && theirs.work === mine?.work;
  if (isSame && theirs.source !== null && theirs.source === mine?.source) return;
  throw new WinnowError(
    "request.invalid",
    `${cachedFrom} is no result of the same work as ${jobId}.`,
    "Name the job that the answer to `source` named.",
  );
}

function storeResult(tx: Db, { id, attempt, repository }: HeldJob, { report, now, ...finish }: Finishing): void {
  const own = { jobId: id, attempt };
  const uploaded = committedOf(tx).all(own);
  const stored = [
    ...uploaded.map((one) => ({ ...one, key: artifactKey(id, attempt, one.name) })),
    ...(finish.artifacts ?? []),
  ];
  for (const one of stored) newArtifact(tx).run({ ...one, ...own, createdAt: now });
  if (uploaded.length > 0) removal(tx).run(own);
  if (report) newReport(tx).run({ ...toRow(report), ...own, repository, createdAt: now });
}

const isCommitted = and(
  eq(uploads.jobId, sql.placeholder("jobId")),
  eq(uploads.attempt, sql.placeholder("attempt")),
  isNotNull(uploads.committedAt),
);
const uploadColumns = { name: uploads.name, bytes: uploads.bytes, sha256: uploads.sha256 };
const committedOf = prepared((db) => db.select(uploadColumns).from(uploads).where(isCommitted).prepare());
const removal = prepared((db) => db.delete(uploads).where(isCommitted).prepare());

const artifactColumns = ["jobId", "attempt", "name", "key", "bytes", "sha256", "createdAt"] as const;
const newArtifact = prepared((db) => db.insert(artifacts).values(placeholdersOf(artifactColumns)).prepare());
const newReport = prepared((db) => {
  const columns = [...reportColumns, "jobId", "attempt", "repository", "createdAt"] as const;
  return db.insert(reports).values(placeholdersOf(columns)).prepare();
});

const reportColumns = [
  ...(["schemaVersion", "image", "fatChainId", "slimChainId", "architecture", "fatBytes", "slimBytes"] as const),
  ...(["ratio", "verdict", "verdictReason", "durationMs"] as const),
] as const;

function toRow(report: Report): Record<(typeof reportColumns)[number], unknown> {
  return {
    schemaVersion: report.schemaVersion,
    image: report.fat.reference,
    fatChainId: report.fat.chainId,
    slimChainId: report.slim?.chainId ?? null,
    architecture: report.fat.architecture,
    fatBytes: report.fat.rootfsBytes,
    slimBytes: report.slim?.rootfsBytes ?? null,
    ratio: report.ratio,
    verdict: report.verdict,
    verdictReason: report.verdictReason,
    durationMs: report.job.finishedAt - report.job.startedAt,
  };
}

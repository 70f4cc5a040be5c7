import { and, eq, sql } from "drizzle-orm";
import type { JobRequest } from "#contract/job.ts";
import { isImageId, parseReference, repositoryOf } from "#contract/reference.ts";
import type { Labels } from "#contract/service/runner-protocol.ts";
import { appendEvent } from "./append-event.ts";
import { findResult } from "./find-result.ts";
import { newJobId } from "./job-id.ts";
import { type Db, writing } from "./open.ts";
import { placeholdersOf, prepared } from "./prepared.ts";
import { requestHash } from "./request-hash.ts";
import { jobs } from "./schema.ts";

export type Submission = {
  request: JobRequest;
  now: number;
  priority?: number;
  /** How often the job may be tried in all; a job of the command line is tried once. */
  maxAttempts?: number;
  /** A job with the same key that is queued or at work is given back instead of a second one. */
  dedupeKey?: string;
  /** Labels that the runner must have. */
  needs?: Labels;
  /** Work even when there is a result. */
  force?: boolean;
  /** Id of the token; null for the command line. */
  submitter?: string | null;
  /** The version of Winnow whose results will do. Left out: none will. */
  workVersion?: string;
  /** The job that this one repeats. */
  retryOf?: string;
};

/** `isNew` is false for an active job with the same key, and for a job that an earlier one answers. */
export type Submitted = { id: string; isNew: boolean };

/**
 * Queues a job. An image that is named by digest is what it was: when the same request was worked on by the same version, the job is
 * there at once as `succeeded` with that result, unless `force`. Any other image is looked for when its runner has resolved it.
 */
export function submitJob(db: Db, submission: Submission): Submitted {
  return writing(db, (tx) => {
    const same = submission.dedupeKey === undefined ? undefined : activeWith(tx, submission.dedupeKey);
    if (same) return { id: same.id, isNew: false };
    const id = newJobId(submission.now);
    const row = toRow(id, submission);
    const result = cached(tx, row, submission);
    insertion(tx).run(result === undefined ? row : { ...row, ...answeredBy(result, submission.now) });
    appendEvent(tx, {
      jobId: id,
      at: submission.now,
      kind: "state",
      detail:
        result === undefined
          ? { state: "queued", ...(submission.retryOf !== undefined && { retryOf: submission.retryOf }) }
          : { state: "succeeded", cachedFrom: result },
    });
    return { id, isNew: result === undefined };
  });
}

const columns = [
  ...(["id", "kind", "state", "image", "repository", "request", "priority", "dedupeKey", "runAfterAt"] as const),
  ...(["maxAttempts", "submittedAt", "needs", "requestHash", "force", "submitter"] as const),
  ...(["cachedFrom", "startedAt", "finishedAt"] as const),
] as const;

const insertion = prepared((db) => db.insert(jobs).values(placeholdersOf(columns)).prepare());

type Row = Pick<typeof jobs.$inferSelect, (typeof columns)[number]> & { requestHash: string };

function toRow(id: string, submission: Submission): Row {
  const { request, now, priority = 0, maxAttempts = 3, dedupeKey, needs = {}, force = false } = submission;
  return {
    id,
    kind: request.kind,
    state: "queued",
    image: request.image,
    repository: repositoryOf(request.image),
    request,
    priority,
    dedupeKey: dedupeKey ?? null,
    runAfterAt: now,
    maxAttempts,
    submittedAt: now,
    // Sorted, so that equal needs are equal text.
    needs: Object.fromEntries(Object.entries(needs).sort(([a], [b]) => (a < b ? -1 : 1))),
    requestHash: requestHash(request),
    force,
    submitter: submission.submitter ?? null,
    cachedFrom: null,
    startedAt: null,
    finishedAt: null,
  };
}

function cached(tx: Db, { requestHash, needs }: Row, { request, force, workVersion }: Submission): string | undefined {
  if (force || workVersion === undefined || !isPinned(request.image)) return undefined;
  return findResult(tx, { requestHash, workVersion, needs });
}

/** Whether the text can mean one image only, today and tomorrow. */
function isPinned(image: string): boolean {
  if (isImageId(image)) return true;
  try {
    return parseReference(image).digest !== undefined;
  } catch {
    return false;
  }
}

function answeredBy(result: string, now: number) {
  return { state: "succeeded", cachedFrom: result, startedAt: now, finishedAt: now } as const;
}

function activeWith(tx: Db, dedupeKey: string): { id: string } | undefined {
  return activeOf(tx).get({ dedupeKey });
}

const activeOf = prepared((db) => {
  // The states are spelled out: a bound parameter would keep SQLite from using the partial index.
  const isActive = sql`${jobs.state} in ('queued', 'running', 'canceling')`;
  return db
    .select({ id: jobs.id })
    .from(jobs)
    .where(and(eq(jobs.dedupeKey, sql.placeholder("dedupeKey")), isActive))
    .prepare();
});

import { and, eq, sql } from "drizzle-orm";
import { JobRequest } from "#contract/job.ts";
import { appendEvent } from "./append-event.ts";
import type { Failure } from "./end-attempt.ts";
import type { Db } from "./open.ts";
import { prepared } from "./prepared.ts";
import { attempts, jobs } from "./schema.ts";

/** The right to work on a job until `expiresAt`. Every write of its holder repeats `jobId`, `attempt` and `lease`. */
export type Lease = {
  jobId: string;
  attempt: number;
  lease: number;
  expiresAt: number;
  request: JobRequest;
  /** Whoever submitted it did not want an earlier result. */
  force: boolean;
};

export type Taking = {
  runner: string;
  now: number;
  leaseMs: number;
  /** Of a runner that confirms the claim before it works: the attempt is `claimed`. Left out: it is `running` at once. */
  claim?: { id: string; tokenHash: string };
};

/** A queued job that may be handed out. The request is text still: only parsing shows whether it can be read. */
export type Candidate = { seq: number; id: string; request: string; force: boolean };
export const candidateColumns = {
  seq: jobs.seq,
  id: jobs.id,
  request: sql<string>`${jobs.request}`,
  force: jobs.force,
};

/**
 * Hands a queued job to a runner: one guarded statement, the attempt and the event. Within the transaction that chose it. Gives undefined
 * when the job's request cannot be read: that job is `failed` as `internal`, and the others are served.
 */
export function takeJob(tx: Db, { seq, id, request: text, force }: Candidate, taking: Taking): Lease | undefined {
  const { runner, now, leaseMs, claim } = taking;
  const request = parseRequest(text);
  if (!request) return failUnreadable(tx, id, now);
  const expiresAt = now + leaseMs;
  const row = handOver(tx).get({ seq, runner, expiresAt, startedAt: claim ? null : now });
  if (!row) return undefined;
  const { attempt, lease } = row;
  const state = claim ? { state: "claimed", startedAt: null } : { state: "running", startedAt: now };
  insertion(tx).run({
    jobId: id,
    number: attempt,
    ...state,
    runner,
    lease,
    claimedAt: now,
    claimId: claim?.id ?? null,
    tokenHash: claim?.tokenHash ?? null,
  });
  appendEvent(tx, { jobId: id, attempt, at: now, kind: "state", detail: { state: "running", runner } });
  return { jobId: id, attempt, lease, expiresAt, request, force };
}

const handOver = prepared((db) =>
  db
    .update(jobs)
    .set({
      state: "running",
      runner: sql`${sql.placeholder("runner")}`,
      attempt: sql`${jobs.attempt} + 1`,
      lease: sql`${jobs.lease} + 1`,
      leaseExpiresAt: sql`${sql.placeholder("expiresAt")}`,
      finishAskedAt: null,
      // A claim that is to be confirmed starts nothing yet: null then.
      startedAt: sql`coalesce(${jobs.startedAt}, ${sql.placeholder("startedAt")})`,
    })
    .where(and(eq(jobs.seq, sql.placeholder("seq")), eq(jobs.state, "queued")))
    .returning({ attempt: jobs.attempt, lease: jobs.lease })
    .prepare(),
);

const insertion = prepared((db) =>
  db
    .insert(attempts)
    .values({
      jobId: sql.placeholder("jobId"),
      number: sql.placeholder("number"),
      state: sql.placeholder("state"),
      startedAt: sql.placeholder("startedAt"),
      runner: sql.placeholder("runner"),
      lease: sql.placeholder("lease"),
      claimedAt: sql.placeholder("claimedAt"),
      claimId: sql.placeholder("claimId"),
      tokenHash: sql.placeholder("tokenHash"),
    })
    .prepare(),
);

/** Undefined when the text is no request that this version knows. */
export function parseRequest(text: string): JobRequest | undefined {
  try {
    return JobRequest.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

const unreadable: Failure = {
  code: "internal",
  message: "The request of this job cannot be read by this version of Winnow.",
  hint: "Submit it again.",
};

function failUnreadable(tx: Db, id: string, now: number): undefined {
  const { code: errorCode, message: errorMessage, hint: errorHint } = unreadable;
  tx.update(jobs)
    .set({ state: "failed", finishedAt: now, errorCode, errorMessage, errorHint })
    .where(and(eq(jobs.id, id), eq(jobs.state, "queued")))
    .run();
  appendEvent(tx, { jobId: id, at: now, kind: "state", detail: { state: "failed", code: unreadable.code } });
  return undefined;
}

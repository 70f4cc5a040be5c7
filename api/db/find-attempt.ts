import { and, eq, type SQL, sql } from "drizzle-orm";
import type { Db } from "./open.ts";
import { prepared } from "./prepared.ts";
import { attempts, jobs } from "./schema.ts";

/** One attempt, and where its job stands. */
export type FoundAttempt = NonNullable<ReturnType<ReturnType<typeof byNumber>["get"]>>;

/** Undefined when there is no such attempt. */
export function findAttempt(db: Db, { jobId, attempt }: { jobId: string; attempt: number }): FoundAttempt | undefined {
  return byNumber(db).get({ jobId, attempt });
}

/** The attempt whose token has this SHA-256 (hex); undefined when there is none, or its token was renewed. */
export function findAttemptByToken(db: Db, tokenHash: string): FoundAttempt | undefined {
  return byToken(db).get({ tokenHash });
}

/** Whether its holder may still write. */
export function isAtWork({ state, jobState, attempt, jobAttempt }: FoundAttempt): boolean {
  const isCurrent = attempt === jobAttempt && (jobState === "running" || jobState === "canceling");
  return isCurrent && (state === "claimed" || state === "running");
}

const byNumber = prepared((db) => {
  const isJob = eq(attempts.jobId, sql.placeholder("jobId"));
  return attemptWhere(db, and(isJob, eq(attempts.number, sql.placeholder("attempt"))));
});
const byToken = prepared((db) => attemptWhere(db, eq(attempts.tokenHash, sql.placeholder("tokenHash"))));

function attemptWhere(db: Db, condition: SQL | undefined) {
  return db
    .select({
      jobId: attempts.jobId,
      attempt: attempts.number,
      lease: attempts.lease,
      state: attempts.state,
      runner: attempts.runner,
      tokenHash: attempts.tokenHash,
      kind: jobs.kind,
      jobState: jobs.state,
      jobAttempt: jobs.attempt,
    })
    .from(attempts)
    .innerJoin(jobs, eq(jobs.id, attempts.jobId))
    .where(condition)
    .prepare();
}

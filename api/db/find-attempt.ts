import { and, eq, type SQL } from "drizzle-orm";
import type { Db } from "./open.ts";
import { attempts, jobs } from "./schema.ts";

/** One attempt, and where its job stands. */
export type FoundAttempt = NonNullable<ReturnType<typeof attemptWhere>>;

/** Undefined when there is no such attempt. */
export function findAttempt(db: Db, { jobId, attempt }: { jobId: string; attempt: number }): FoundAttempt | undefined {
  return attemptWhere(db, and(eq(attempts.jobId, jobId), eq(attempts.number, attempt)));
}

/** The attempt whose token has this SHA-256 (hex); undefined when there is none, or its token was renewed. */
export function findAttemptByToken(db: Db, tokenHash: string): FoundAttempt | undefined {
  return attemptWhere(db, eq(attempts.tokenHash, tokenHash));
}

/** Whether its holder may still write. */
export function isAtWork({ state, jobState, attempt, jobAttempt }: FoundAttempt): boolean {
  const isCurrent = attempt === jobAttempt && (jobState === "running" || jobState === "canceling");
  return isCurrent && (state === "claimed" || state === "running");
}

function attemptWhere(db: Db, condition: SQL | undefined) {
  return db
    .select({
      jobId: attempts.jobId,
      attempt: attempts.number,
      lease: attempts.lease,
      state: attempts.state,
      runner: attempts.runner,
      tokenHash: attempts.tokenHash,
      logBytes: attempts.logBytes,
      progressNext: attempts.progressNext,
      finishHash: attempts.finishHash,
      kind: jobs.kind,
      jobState: jobs.state,
      jobAttempt: jobs.attempt,
    })
    .from(attempts)
    .innerJoin(jobs, eq(jobs.id, attempts.jobId))
    .where(condition)
    .get();
}

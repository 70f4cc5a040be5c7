import { and, eq, type SQL } from "drizzle-orm";
import type { Db } from "./open.ts";
import { attempts, jobs } from "./schema.ts";

const columns = {
  jobId: attempts.jobId,
  attempt: attempts.number,
  lease: attempts.lease,
  state: attempts.state,
  runner: attempts.runner,
  kind: jobs.kind,
  jobState: jobs.state,
  jobLease: jobs.lease,
};

/** An attempt with where its job stands. */
export type FoundAttempt = NonNullable<ReturnType<typeof find>>;

/** The attempt whose token has this SHA-256 (hex); undefined when there is none, or its token was renewed. */
export function attemptOfToken(db: Db, tokenHash: string): FoundAttempt | undefined {
  return find(db, eq(attempts.tokenHash, tokenHash));
}

/** The same attempt as it is now. */
export function refreshAttempt(db: Db, { jobId, attempt }: FoundAttempt): FoundAttempt | undefined {
  return find(db, and(eq(attempts.jobId, jobId), eq(attempts.number, attempt)));
}

/** Whether its holder may still write: what `heldBy` asks for in the writes themselves. */
export function isAtWork({ state, lease, jobState, jobLease }: FoundAttempt): boolean {
  const isHeld = lease === jobLease && (jobState === "running" || jobState === "canceling");
  return isHeld && (state === "claimed" || state === "running");
}

function find(db: Db, condition: SQL | undefined) {
  return db.select(columns).from(attempts).innerJoin(jobs, eq(jobs.id, attempts.jobId)).where(condition).get();
}

import { and, asc, desc, eq, lte, sql } from "drizzle-orm";
import { type Db, writing } from "./open.ts";
import { jobs } from "./schema.ts";
import { candidateColumns, type Lease, takeJob } from "./take-job.ts";

export type LocalClaim = {
  runner: string;
  now: number;
  leaseMs: number;
  /** Only this job: the command line works on what it submitted and on nothing else. */
  jobId?: string;
};

/**
 * Hands the oldest job of the highest priority to whoever works in this very process: its attempt is `running` at once, and neither
 * labels nor architecture are looked at. Gives nothing when there is none, or when its request cannot be read.
 */
export function claimJob(db: Db, { jobId, ...taking }: LocalClaim): Lease | undefined {
  return writing(db, (tx) => {
    // The state is spelled out: a bound parameter would keep SQLite from using the partial index of the queue.
    const isNext = and(
      sql`${jobs.state} = 'queued'`,
      lte(jobs.runAfterAt, taking.now),
      jobId ? eq(jobs.id, jobId) : undefined,
    );
    const next = tx
      .select(candidateColumns)
      .from(jobs)
      .where(isNext)
      .orderBy(desc(jobs.priority), asc(jobs.seq))
      .limit(1)
      .get();
    return next && takeJob(tx, next, taking);
  });
}

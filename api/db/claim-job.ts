import { and, asc, desc, eq, lte, sql } from "drizzle-orm";
import { JobRequest } from "#contract/job.ts";
import { appendEvent } from "./append-event.ts";
import { type Db, writing } from "./open.ts";
import { attempts, jobs } from "./schema.ts";

export type Claim = {
  runner: string;
  now: number;
  leaseMs: number;
  /** Only this job: the command line works on what it submitted and on nothing else. */
  jobId?: string;
};

/** The right to work on a job until `expiresAt`. Every write of its holder repeats `jobId`, `attempt` and `lease`. */
export type Lease = { jobId: string; attempt: number; lease: number; expiresAt: number; request: JobRequest };

/** Hands the oldest job of the highest priority to one runner, or nothing. The claim itself is one guarded statement. */
export function claimJob(db: Db, { runner, now, leaseMs, jobId }: Claim): Lease | undefined {
  return writing(db, (tx) => {
    // The state is spelled out: a bound parameter would keep SQLite from using the partial index of the queue.
    const isNext = and(
      sql`${jobs.state} = 'queued'`,
      lte(jobs.runAfterAt, now),
      jobId ? eq(jobs.id, jobId) : undefined,
    );
    const next = tx
      .select({ seq: jobs.seq })
      .from(jobs)
      .where(isNext)
      .orderBy(desc(jobs.priority), asc(jobs.seq))
      .limit(1);
    const row = tx
      .update(jobs)
      .set({
        state: "running",
        runner,
        attempt: sql`${jobs.attempt} + 1`,
        lease: sql`${jobs.lease} + 1`,
        leaseExpiresAt: now + leaseMs,
        startedAt: sql`coalesce(${jobs.startedAt}, ${now})`,
      })
      .where(eq(jobs.seq, sql`(${next})`))
      .returning()
      .get();
    if (!row) return undefined;
    const { id, attempt, lease } = row;
    tx.insert(attempts).values({ jobId: id, number: attempt, state: "running", runner, lease, claimedAt: now }).run();
    appendEvent(tx, { jobId: id, attempt, at: now, kind: "state", detail: { state: "running", runner } });
    return { jobId: id, attempt, lease, expiresAt: now + leaseMs, request: JobRequest.parse(row.request) };
  });
}

import { and, eq, gt, sql } from "drizzle-orm";
import { type Db, writing } from "./open.ts";
import { longestRetryMs } from "./retry-delay.ts";
import { attempts, jobs } from "./schema.ts";

/**
 * Begins all deadlines anew, when the server was away or its clock was moved: runners could not reach it, or what was written by the old
 * clock means nothing by the new one. Leases, start windows and cancel graces are whole again; a job whose time to be tried lies beyond
 * any retry comes at the latest after the longest. Gives how many leases that were.
 */
export function grantAmnesty(db: Db, { now, leaseMs }: { now: number; leaseMs: number }): number {
  return writing(db, (tx) => {
    const isActive = sql`${jobs.state} in ('running', 'canceling')`; // spelled out for the partial index
    const { changes } = tx
      .update(jobs)
      .set({
        leaseExpiresAt: now + leaseMs,
        cancelAskedAt: sql`case when ${jobs.state} = 'canceling' then ${now} else ${jobs.cancelAskedAt} end`,
      })
      .where(isActive)
      .run();
    tx.update(attempts).set({ claimedAt: now }).where(isUnconfirmed(isActive)).run();
    const tried = sql`${jobs.attempt} > ${jobs.uncounted}`;
    tx.update(jobs)
      .set({
        runAfterAt: sql`case when ${tried} then min(${jobs.runAfterAt}, ${now + longestRetryMs}) else ${now} end`,
      })
      .where(and(sql`${jobs.state} = 'queued'`, gt(jobs.runAfterAt, now)))
      .run();
    return changes;
  });
}

/** Found by their jobs: there is no index of attempts by state, and few jobs are at work. */
function isUnconfirmed(isActive: ReturnType<typeof sql>) {
  const held = sql`(${attempts.jobId}, ${attempts.number}) in (select ${jobs.id}, ${jobs.attempt} from ${jobs} where ${isActive})`;
  return and(eq(attempts.state, "claimed"), held);
}

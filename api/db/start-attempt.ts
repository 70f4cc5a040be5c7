import { and, eq, inArray, sql } from "drizzle-orm";
import { type Held, heldBy, leaseLost } from "./held-by.ts";
import { type Db, writing } from "./open.ts";
import { attempts, jobs } from "./schema.ts";

/**
 * The runner confirms a claim: its attempt is `running` with a whole lease. The same call again says the same, since its answer may have
 * been lost. Throws `lease.lost` when the claim was taken back meanwhile.
 */
export function startAttempt(
  db: Db,
  held: Held,
  { now, leaseMs }: { now: number; leaseMs: number },
): { expiresAt: number } {
  return writing(db, (tx) => {
    const expiresAt = now + leaseMs;
    const job = tx
      .update(jobs)
      .set({ leaseExpiresAt: expiresAt, startedAt: sql`coalesce(${jobs.startedAt}, ${now})` })
      .where(heldBy(held))
      .run();
    if (job.changes === 0) throw leaseLost(held);
    tx.update(attempts)
      .set({ state: "running", startedAt: sql`coalesce(${attempts.startedAt}, ${now})` })
      .where(
        and(
          eq(attempts.jobId, held.jobId),
          eq(attempts.number, held.attempt),
          inArray(attempts.state, ["claimed", "running"]),
        ),
      )
      .run();
    return { expiresAt };
  });
}

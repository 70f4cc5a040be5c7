import { and, eq, inArray, sql } from "drizzle-orm";
import { type Held, isHeld, leaseLost } from "./held-by.ts";
import { type Db, writing } from "./open.ts";
import { given, prepared } from "./prepared.ts";
import { attempts, jobs } from "./schema.ts";

/**
 * The runner confirms a claim: its attempt is `running` with a whole lease. The same call again says the same, since its answer may have
 * been lost. Throws `lease.lost` when the claim was taken back meanwhile.
 */
export function startAttempt(
  db: Db,
  { jobId, attempt, lease }: Held,
  { now, leaseMs }: { now: number; leaseMs: number },
): { expiresAt: number } {
  return writing(db, (tx) => {
    const expiresAt = now + leaseMs;
    const job = jobStart(tx).run({ jobId, attempt, lease, now, expiresAt });
    if (job.changes === 0) throw leaseLost({ jobId, attempt, lease });
    attemptStart(tx).run({ jobId, attempt, now });
    return { expiresAt };
  });
}

const jobStart = prepared((db) =>
  db
    .update(jobs)
    .set({
      leaseExpiresAt: given("expiresAt"),
      startedAt: sql`coalesce(${jobs.startedAt}, ${sql.placeholder("now")})`,
    })
    .where(isHeld)
    .prepare(),
);

const attemptStart = prepared((db) =>
  db
    .update(attempts)
    .set({ state: "running", startedAt: sql`coalesce(${attempts.startedAt}, ${sql.placeholder("now")})` })
    .where(
      and(
        eq(attempts.jobId, sql.placeholder("jobId")),
        eq(attempts.number, sql.placeholder("attempt")),
        inArray(attempts.state, ["claimed", "running"]),
      ),
    )
    .prepare(),
);

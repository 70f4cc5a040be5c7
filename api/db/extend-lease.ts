import { type Held, heldBy, leaseLost } from "./held-by.ts";
import type { Db } from "./open.ts";
import { jobs } from "./schema.ts";

/** A sign of life for one job. Tells whether somebody asked for it to be canceled. Throws `lease.lost`. */
export function extendLease(
  db: Db,
  held: Held,
  { now, leaseMs }: { now: number; leaseMs: number },
): { expiresAt: number; isCancelAsked: boolean } {
  const expiresAt = now + leaseMs;
  const row = db
    .update(jobs)
    .set({ leaseExpiresAt: expiresAt })
    .where(heldBy(held))
    .returning({ state: jobs.state })
    .get();
  if (!row) throw leaseLost(held);
  return { expiresAt, isCancelAsked: row.state === "canceling" };
}

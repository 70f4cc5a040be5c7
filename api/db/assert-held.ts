import { type Held, heldBy, leaseLost } from "./held-by.ts";
import type { Db } from "./open.ts";
import { jobs } from "./schema.ts";

/** Throws `lease.lost` when the attempt may no longer write. Within the transaction of the write, or before one that no table knows. */
export function assertHeld(db: Db, held: Held): void {
  const job = db.select({ id: jobs.id }).from(jobs).where(heldBy(held)).get();
  if (!job) throw leaseLost(held);
}

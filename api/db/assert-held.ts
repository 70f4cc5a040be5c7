import { type Held, isHeld, leaseLost } from "./held-by.ts";
import type { Db } from "./open.ts";
import { prepared } from "./prepared.ts";
import { jobs } from "./schema.ts";

/** Throws `lease.lost` when the attempt may no longer write. Within the transaction of the write, or before one that no table knows. */
export function assertHeld(db: Db, { jobId, attempt, lease }: Held): void {
  if (!heldJob(db).get({ jobId, attempt, lease })) throw leaseLost({ jobId, attempt, lease });
}

const heldJob = prepared((db) => db.select({ id: jobs.id }).from(jobs).where(isHeld).prepare());

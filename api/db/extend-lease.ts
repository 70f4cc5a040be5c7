import { and, eq } from "drizzle-orm";
import { type Held, heldBy, leaseLost } from "./held-by.ts";
import type { Db } from "./open.ts";
import { jobs } from "./schema.ts";

export type Extension = {
  now: number;
  leaseMs: number;
  /** Only while it is this runner's. */
  runner?: string;
};

/** What people asked of a job at work; undefined when the lease is gone. */
export function tryExtend(
  db: Db,
  held: Held,
  { now, leaseMs, runner }: Extension,
): { expiresAt: number; isCancelAsked: boolean; isFinishAsked: boolean } | undefined {
  const expiresAt = now + leaseMs;
  const row = db
    .update(jobs)
    .set({ leaseExpiresAt: expiresAt })
    .where(and(heldBy(held), runner === undefined ? undefined : eq(jobs.runner, runner)))
    .returning({ state: jobs.state, finishAskedAt: jobs.finishAskedAt })
    .get();
  return row && { expiresAt, isCancelAsked: row.state === "canceling", isFinishAsked: row.finishAskedAt !== null };
}

/** A sign of life for one job. Throws `lease.lost`. */
export function extendLease(db: Db, held: Held, extension: Extension) {
  const extended = tryExtend(db, held, extension);
  if (!extended) throw leaseLost(held);
  return extended;
}

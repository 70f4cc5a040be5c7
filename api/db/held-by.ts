import { and, eq, type SQL, sql } from "drizzle-orm";
import { WinnowError } from "#contract/error.ts";
import { jobs } from "./schema.ts";

/** Names a lease in the writes of its holder. */
export type Held = { jobId: string; attempt: number; lease: number };

/** The guard of every write of a lease's holder. */
export function heldBy({ jobId, attempt, lease }: Held): SQL | undefined {
  return and(eq(jobs.id, jobId), eq(jobs.attempt, attempt), eq(jobs.lease, lease), isAtWork);
}

const isAtWork = sql`${jobs.state} in ('running', 'canceling')`;

/** The same for queries that are put together once; what they are run with has the fields of `Held`. */
export const isHeld = and(
  eq(jobs.id, sql.placeholder("jobId")),
  eq(jobs.attempt, sql.placeholder("attempt")),
  eq(jobs.lease, sql.placeholder("lease")),
  isAtWork,
);

/** For a guarded write that changed no row. */
export function leaseLost({ jobId, attempt }: Held): WinnowError {
  return new WinnowError(
    "lease.lost",
    `Attempt ${attempt} of ${jobId} no longer holds its lease.`,
    "The job was finished, canceled or given to another runner meanwhile; look at it with `winnow report`.",
  );
}

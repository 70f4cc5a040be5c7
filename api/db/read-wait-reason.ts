import { count, isNull, sql } from "drizzle-orm";
import type { WaitReason } from "#contract/service/job-view.ts";
import { type RunnerNow, waitReason } from "../queue/wait-reason.ts";
import type { Db } from "./open.ts";
import { readNeeds } from "./read-needs.ts";
import { jobs, runners } from "./schema.ts";

/** Why a job waits; null when it does not. A runner is online when it was heard of within a lease. */
export function readWaitReason(
  db: Db,
  jobId: string,
  { now, leaseMs }: { now: number; leaseMs: number },
): WaitReason | null {
  const job = readNeeds(db, jobId);
  return job?.state === "queued" ? waitReason(job, runnersNow(db, now - leaseMs), now) : null;
}

function runnersNow(db: Db, onlineSince: number): RunnerNow[] {
  const held = new Map(
    db
      .select({ runner: jobs.runner, jobs: count() })
      .from(jobs)
      .where(sql`${jobs.state} in ('running', 'canceling')`) // spelled out for the partial index
      .groupBy(jobs.runner)
      .all()
      .map((row) => [row.runner, row.jobs]),
  );
  const known = db.select().from(runners).where(isNull(runners.removedAt)).all();
  return known.map(({ id, labels, engine, slots, paused, lastSeenAt, ...runner }) => ({
    id,
    labels,
    architectures: engine.architectures,
    slots,
    paused,
    isOnline: lastSeenAt >= onlineSince,
    isDraining: runner.isDraining || runner.drainAskedAt !== null,
    held: held.get(id) ?? 0,
  }));
}

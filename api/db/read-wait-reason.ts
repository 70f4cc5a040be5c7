import { count, isNull, sql } from "drizzle-orm";
import type { WaitReason } from "#contract/service/job-view.ts";
import type { EngineFacts, Labels } from "#contract/service/runner-protocol.ts";
import { type RunnerNow, waitReason } from "../queue/wait-reason.ts";
import type { Db } from "./open.ts";
import { given, prepared } from "./prepared.ts";
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

/**
 * Everybody who submits a job asks for it, also where a thousand runners are: the columns that it takes and no others, and texts that
 * most runners share are parsed once.
 */
function runnersNow(db: Db, onlineSince: number): RunnerNow[] {
  const held = new Map(
    heldByRunner(db)
      .all()
      .map((row) => [row.runner, row.jobs]),
  );
  const labelsOf = remembered((text): Labels => JSON.parse(text));
  const architecturesOf = remembered((text): EngineFacts["architectures"] => JSON.parse(text).architectures);
  return known(db)
    .all({ onlineSince })
    .map(({ id, labels, engine, slots, paused, isOnline, isDraining }) => ({
      id,
      labels: labelsOf(labels),
      architectures: architecturesOf(engine),
      slots,
      paused,
      isOnline: isOnline === 1,
      isDraining: isDraining === 1,
      held: held.get(id) ?? 0,
    }));
}

function remembered<T>(parse: (text: string) => T): (text: string) => T {
  const parsed = new Map<string, T>();
  return (text) => {
    const value = parsed.get(text) ?? parse(text);
    parsed.set(text, value);
    return value;
  };
}

const heldByRunner = prepared((db) =>
  db
    .select({ runner: jobs.runner, jobs: count() })
    .from(jobs)
    .where(sql`${jobs.state} in ('running', 'canceling')`) // spelled out for the partial index
    .groupBy(jobs.runner)
    .prepare(),
);

const known = prepared((db) =>
  db
    .select({
      id: runners.id,
      labels: sql<string>`${runners.labels}`,
      engine: sql<string>`${runners.engine}`,
      slots: runners.slots,
      paused: runners.paused,
      isOnline: sql<number>`${runners.lastSeenAt} >= ${given("onlineSince")}`,
      isDraining: sql<number>`${runners.isDraining} or ${runners.drainAskedAt} is not null`,
    })
    .from(runners)
    .where(isNull(runners.removedAt))
    .prepare(),
);

import { count, isNull, sql } from "drizzle-orm";
import type { WaitReason } from "#contract/service/job-view.ts";
import type { EngineFacts, Labels } from "#contract/service/runner-protocol.ts";
import { type RunnersNow, waitReason } from "../queue/wait-reason.ts";
import type { Db } from "./open.ts";
import { given, prepared } from "./prepared.ts";
import { readNeeds } from "./read-needs.ts";
import { attempts, jobs, runners } from "./schema.ts";

/** Why a job waits; null when it does not. A runner is online when it was heard of within a lease. */
export function readWaitReason(
  db: Db,
  jobId: string,
  { now, leaseMs }: { now: number; leaseMs: number },
): WaitReason | null {
  const job = readNeeds(db, jobId);
  return job?.state === "queued" ? waitReason(job, runnersNow(db, jobId, now - leaseMs), now) : null;
}

function runnersNow(db: Db, jobId: string, onlineSince: number): RunnersNow[] {
  const rows = kindsOfRunners(db).all({ jobId, onlineSince });
  return rows.map(({ labels, architectures, isOnline, isDraining, isUnfit, ...kind }) => ({
    ...kind,
    labels: JSON.parse(labels) as Labels, // as the registration was parsed
    architectures: JSON.parse(architectures) as EngineFacts["architectures"],
    isOnline: isOnline === 1,
    isDraining: isDraining === 1,
    isUnfit: isUnfit === 1,
  }));
}

/** Gathered by SQLite, as everybody who submits a job asks for it, also where a thousand runners are: those are of few kinds. */
const kindsOfRunners = prepared((db) => {
  const held = sql`select count(*) from ${jobs} where ${jobs.runner} = ${runners.id} and ${jobs.state} in ('running', 'canceling')`;
  const unfit = sql`select ${attempts.runner} from ${attempts} where ${attempts.jobId} = ${given("jobId")} and ${attempts.releaseReason} = 'unfit'`;
  const kind = {
    labels: sql<string>`${runners.labels}`,
    architectures: sql<string>`${runners.engine} -> 'architectures'`,
    paused: runners.paused,
    isOnline: sql<number>`${runners.lastSeenAt} >= ${given("onlineSince")}`,
    isDraining: sql<number>`${runners.isDraining} or ${runners.drainAskedAt} is not null`,
    isUnfit: sql<number>`${runners.id} in (${unfit})`,
  };
  return db
    .select({ ...kind, count: count(), withRoom: sql<number>`sum(${runners.slots} > (${held}))` })
    .from(runners)
    .where(isNull(runners.removedAt))
    .groupBy(...Object.values(kind))
    .prepare();
});

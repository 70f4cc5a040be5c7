import { and, asc, eq, inArray, isNull } from "drizzle-orm";
import type { RunnerState, RunnerView } from "#contract/service/runner-view.ts";
import { runnerNotFound } from "./find-runner.ts";
import type { Db } from "./open.ts";
import { jobs, runners } from "./schema.ts";

/** A runner that was not heard of for so long is `offline`, ms. */
const offlineMs = 300_000;

type Clock = { now: number; leaseMs: number };

/** All runners that were not removed, by name. */
export function listRunners(db: Db, clock: Clock): RunnerView[] {
  const rows = db
    .select()
    .from(runners)
    .where(isNull(runners.removedAt))
    .orderBy(asc(runners.name), asc(runners.id))
    .all();
  const held = heldJobs(db);
  return rows.map((row) => toView(row, held.get(row.id) ?? [], clock));
}

/** Throws `runner.not-found`, also for one that was removed. */
export function readRunner(db: Db, id: string, clock: Clock): RunnerView {
  const row = db
    .select()
    .from(runners)
    .where(and(eq(runners.id, id), isNull(runners.removedAt)))
    .get();
  if (!row) throw runnerNotFound(id);
  return toView(row, heldJobs(db).get(id) ?? [], clock);
}

/** Ids of the jobs at work, by runner. */
function heldJobs(db: Db): Map<string, string[]> {
  const rows = db
    .select({ id: jobs.id, runner: jobs.runner })
    .from(jobs)
    .where(inArray(jobs.state, ["running", "canceling"]))
    .orderBy(asc(jobs.seq))
    .all();
  const held = new Map<string, string[]>();
  for (const { id, runner } of rows) if (runner !== null) held.set(runner, [...(held.get(runner) ?? []), id]);
  return held;
}

function toView(row: typeof runners.$inferSelect, held: string[], { now, leaseMs }: Clock): RunnerView {
  const { id, name, labels, slots, version, engine, registeredAt, lastSeenAt, diskFreeBytes, paused } = row;
  const silentMs = now - lastSeenAt;
  const isDraining = row.isDraining || row.drainAskedAt !== null;
  const heard: RunnerState = isDraining ? "draining" : "online";
  const state = silentMs > offlineMs ? "offline" : silentMs > leaseMs ? "stale" : heard;
  const facts = { labels, slots, version, engine, registeredAt, lastSeenAt, diskFreeBytes, paused };
  return { id, name, state, ...facts, jobs: held };
}

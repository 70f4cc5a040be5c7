import type { Logger } from "pino";
import type { Timings } from "#contract/service/timings.ts";
import type { Db } from "../db/open.ts";
import type { JobQueue } from "../queue/job-queue.ts";
import type { Store } from "../store/store.ts";
import { checkpointWhenIdle } from "./checkpoint.ts";
import { type Chore, every } from "./every.ts";
import { forgetAnswers } from "./idempotency.ts";
import { keepLeases } from "./leases.ts";
import { type RetentionRule, retain } from "./retention.ts";

export type Upkeep = {
  db: Db;
  store: Store;
  queue: Pick<JobQueue, "wake">;
  timings: Timings;
  retention: RetentionRule;
  /** Milliseconds UTC. */
  now: () => number;
  log: Logger;
  /** What else is to be done by the clock. */
  chores?: Chore[];
};

const minuteMs = 60_000;

/** Begins all that happens by the clock. `stop` waits for what is at work. */
export function startUpkeep(upkeep: Upkeep): { stop(): Promise<void> } {
  const { db, store, retention, now, log } = upkeep;
  const chores: Chore[] = [
    {
      name: "retention",
      everyMs: 10 * minuteMs,
      run: async (signal) => {
        const removed = await retain({ db, store, rule: retention, now: now(), signal });
        if (removed > 0) log.info({ removed }, "old artifacts removed");
      },
    },
    { name: "idempotency", everyMs: 10 * minuteMs, run: () => void forgetAnswers(db, now()) },
    { name: "checkpoint", everyMs: minuteMs / 4, run: checkpointWhenIdle(db) },
    ...(upkeep.chores ?? []),
  ];
  const stopLeases = keepLeases(upkeep);
  const begun = chores.map((chore) => every(chore, log));
  return {
    stop: async () => {
      stopLeases();
      await Promise.all(begun.map((chore) => chore.stop()));
    },
  };
}

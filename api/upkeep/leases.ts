import type { Logger } from "pino";
import type { Timings } from "#contract/service/timings.ts";
import { expireJobs } from "../db/expire-jobs.ts";
import { grantAmnesty } from "../db/grant-amnesty.ts";
import type { Db } from "../db/open.ts";
import { reapAttempts } from "../db/reap-attempts.ts";
import type { JobQueue } from "../queue/job-queue.ts";

export type LeaseKeeping = {
  db: Db;
  queue: Pick<JobQueue, "wake">;
  timings: Pick<Timings, "leaseMs" | "heartbeatMs" | "reapMs" | "startWindowMs" | "cancelGraceMs" | "queueMs">;
  /** Milliseconds UTC. */
  now: () => number;
  log: Logger;
};

/** Less than that is no absence, however short the intervals of a test are, ms. */
const leastAbsenceMs = 1000;

/**
 * Every `reapMs` ends what is overdue: see `reapAttempts` and `expireJobs`. Begins with an amnesty, since nobody could reach the server
 * while it was down, and looks at leases only when one could have run out since. The same whenever a turn comes at another time than it
 * was set for: then the process stood still, or the clock was moved. Gives what stops it.
 */
export function keepLeases({ db, queue, timings, now, log }: LeaseKeeping): () => void {
  let last = now();
  let reapsFrom = 0; // by the monotonic clock
  let pardonedUntil: number | undefined;
  const pardon = (why: string) => {
    reapsFrom = Number.POSITIVE_INFINITY; // should the next line fail, the turn after this one tries again
    const leases = grantAmnesty(db, { now: last, leaseMs: timings.leaseMs });
    reapsFrom = performance.now() + timings.leaseMs;
    pardonedUntil = last + timings.leaseMs;
    if (leases > 0) log.info({ leases, why }, "leases begun anew");
  };
  const turn = () => {
    const at = now();
    const offMs = Math.abs(at - last - timings.reapMs);
    last = at;
    if (offMs > Math.max(timings.heartbeatMs, leastAbsenceMs) || reapsFrom === Number.POSITIVE_INFINITY) pardon("away");
    const isReaping = performance.now() >= reapsFrom;
    for (const { jobId, attempt, state } of isReaping ? reapAttempts(db, { ...timings, now: at, pardonedUntil }) : []) {
      log.warn({ jobId, attempt, state }, "attempt ended by the server");
      if (state === "queued") queue.wake(jobId);
    }
    const expired = expireJobs(db, { now: at, queueMs: timings.queueMs });
    if (expired.length > 0) log.warn({ jobs: expired.length }, "jobs expired in the queue");
  };
  const tried = (work: () => void) => () => {
    try {
      work();
    } catch (thrown) {
      log.error({ err: thrown }, "leases could not be looked at");
    }
  };
  tried(() => pardon("start"))();
  const timer = setInterval(tried(turn), timings.reapMs);
  timer.unref();
  return () => clearInterval(timer);
}

import type { Logger } from "pino";
import type { Timings } from "#contract/service/timings.ts";
import { hashToken, makeToken } from "../auth/token.ts";
import { type ClaimedLease, claimJobs } from "../db/claim-jobs.ts";
import { findRunner, type Runner } from "../db/find-runner.ts";
import type { Db } from "../db/open.ts";
import { readNeeds } from "../db/read-needs.ts";
import { restingJobs } from "../db/resting-jobs.ts";
import { DueTimes } from "./due-times.ts";
import { type Waiter, Waiters } from "./waiters.ts";

export type WaitingClaim = {
  runnerId: string;
  claimId: string;
  slots: number;
  /** How long to wait for a job, at most `pollMs`. */
  waitMs: number;
  /** Aborts when whoever claims is gone. */
  signal: AbortSignal;
};

/** Hands the queue of the database to runners that wait. One for each process; all that it knows can be read from the database again. */
export type JobQueue = {
  /** Jobs for a runner, as soon as there are some; none when the wait is over, `signal` aborts, or the process drains. */
  claim(claim: WaitingClaim): Promise<ClaimedLease[]>;
  /** This job was queued, or is queued again: wakes one claim that fits, now or when the job is due. After the commit; never throws. */
  wake(jobId: string): void;
  /** Ends the waiting claims of a runner: its process is another, or it was removed. */
  endFor(runnerId: string): void;
  /** Ends all waiting claims; later ones get nothing. */
  drain(): void;
  /** How many claims wait at present. */
  readonly waiting: number;
};

export type QueueDeps = {
  db: Db;
  timings: Pick<Timings, "pollMs" | "leaseMs">;
  /** Milliseconds UTC. */
  now: () => number;
  log: Logger;
};

/** How long after a database that failed a wake is repeated, ms. */
const againMs = 1000;

export function createQueue({ db, timings, now, log }: QueueDeps): JobQueue {
  const waiters = new Waiters();
  const due = new DueTimes({ now, wake });
  let isDraining = false;
  for (const { id, runAfterAt } of restingJobs(db, now())) due.add(id, runAfterAt);

  function wake(jobId: string): void {
    if (isDraining) return;
    try {
      const job = readNeeds(db, jobId);
      if (job?.state !== "queued") return;
      if (job.runAfterAt > now()) due.add(jobId, job.runAfterAt);
      else waiters.wakeFor(jobId, job);
    } catch (thrown) {
      // What the caller did is committed and must be answered so.
      log.error({ err: thrown, jobId }, "no claim could be woken");
      wakeAgain(jobId);
    }
  }

  /** Not at once: what went wrong would go wrong for the next claim, too. */
  function wakeAgain(jobId: string): void {
    due.add(jobId, now() + againMs);
  }

  async function claim({ waitMs, signal, ...wanted }: WaitingClaim): Promise<ClaimedLease[]> {
    const endsAt = performance.now() + Math.min(waitMs, timings.pollMs);
    let wokenFor: string | undefined;
    for (;;) {
      if (isDraining) return [];
      if (signal.aborted) {
        if (wokenFor !== undefined) wake(wokenFor);
        return [];
      }
      const { leases, isPassedOn } = take(wanted, wokenFor);
      if (leases.length > 0 || isPassedOn) return leases;
      const restMs = endsAt - performance.now();
      const runner = restMs > 0 ? findRunner(db, wanted.runnerId) : undefined;
      if (!runner) return [];
      wokenFor = await parked(waiters, { runner, claimId: wanted.claimId, restMs, signal });
      if (wokenFor === undefined) return [];
    }
  }

  /** What is there for a claim. The job that it was woken for, if it was, wakes another when this runner does not get it. */
  function take(wanted: Omit<WaitingClaim, "waitMs" | "signal">, wokenFor: string | undefined) {
    try {
      const leases = claimJobs(db, { ...wanted, now: now(), leaseMs: timings.leaseMs, makeToken: attemptToken });
      const isServed = wokenFor === undefined || leases.some(({ jobId }) => jobId === wokenFor);
      // This runner took another job, or takes none at present: whoever is next. It does not wait again, or two would wake each other.
      const isPassedOn = !isServed && isQueued(db, wokenFor);
      if (isPassedOn) wake(wokenFor);
      return { leases, isPassedOn };
    } catch (thrown) {
      if (wokenFor !== undefined && !isDraining) wakeAgain(wokenFor);
      throw thrown;
    }
  }

  return {
    claim,
    wake,
    endFor: (runnerId) => waiters.endAll(runnerId),
    drain: () => {
      isDraining = true;
      due.stop();
      waiters.endAll();
    },
    get waiting() {
      return waiters.size;
    },
  };
}

type Parking = { runner: Runner; claimId: string; restMs: number; signal: AbortSignal };

/** Waits to be woken; gives the job that it was woken for. */
function parked(waiters: Waiters, { runner, claimId, restMs, signal }: Parking): Promise<string | undefined> {
  return new Promise((resolve) => {
    const { id, labels, engine } = runner;
    const waiter: Waiter = {
      id,
      labels,
      architectures: engine.architectures,
      claimId,
      end: (jobId) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", leave);
        resolve(jobId);
      },
    };
    const leave = () => {
      waiters.remove(waiter);
      waiter.end(undefined);
    };
    const timer = setTimeout(leave, restMs);
    signal.addEventListener("abort", leave, { once: true });
    waiters.park(waiter);
  });
}

function attemptToken(): { token: string; hash: string } {
  const token = makeToken("watt");
  return { token, hash: hashToken(token) };
}

function isQueued(db: Db, jobId: string): boolean {
  return readNeeds(db, jobId)?.state === "queued";
}

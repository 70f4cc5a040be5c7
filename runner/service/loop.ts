import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { Logger } from "pino";
import { Claimed, type ClaimedJob, type ClaimRequest } from "#contract/service/runner-protocol.ts";
import type { Timings } from "#contract/service/timings.ts";
import { pause, pauseAfter, wait } from "./back-off.ts";
import { read, type Server, send } from "./client.ts";
import type { Host } from "./host.ts";
import { endsRunner } from "./refusal.ts";

export type LoopDeps = {
  server: Server;
  token: string;
  timings: Timings;
  slots: number;
  log: Logger;
  /** Looks at engine and disks before each claim. */
  look(): Promise<Host>;
  /** Ends with the attempt; never throws. */
  work(job: ClaimedJob): Promise<void>;
  giveBack(job: ClaimedJob, reason: "drain" | "disk" | "unfit"): Promise<void>;
  /** Called between jobs, when there are none at work. */
  idle(): Promise<void>;
  /** The server does not want this runner any more; whoever is told drains it. */
  onRefused(thrown: unknown): void;
  /** Aborts when no more jobs are to be begun. */
  draining: AbortSignal;
};

/** How long the answer to a claim may take beyond what was asked for. */
const answerMs = 15_000;

/**
 * Claims jobs for all free slots with one call, again and again, until drained; ends when the last of them has.
 */
export async function claimJobs(deps: LoopDeps): Promise<void> {
  const { slots, draining, work, giveBack, log } = deps;
  setMaxListeners(0, draining);
  const active = new Set<Promise<void>>();
  const begin = (job: ClaimedJob, host: Host): void => {
    const reason = draining.aborted ? "drain" : host.paused?.reason;
    const working = (reason ? giveBack(job, reason) : work(job)).finally(() => active.delete(working));
    active.add(working);
  };
  try {
    const claims = claimSeries(deps);
    while (!draining.aborted) {
      if (active.size === 0) await deps.idle();
      const free = slots - active.size;
      if (free <= 0) {
        await Promise.race([...active, untilAborted(draining)]);
        continue;
      }
      const host = await deps.look();
      if (host.paused) {
        await restFor(deps.timings.heartbeatMs, draining);
        continue;
      }
      const jobs = await claims(free);
      if (jobs.length > 0) log.info({ jobs: jobs.map(({ jobId }) => jobId) }, "claimed");
      const now = jobs.length > 0 ? await deps.look() : host; // a poll is long enough for a disk to fill
      for (const job of jobs) begin(job, now);
    }
  } finally {
    while (active.size > 0) await Promise.all(active);
  }
}

/** Gives what the next claim brings, after whatever pause is due. Never throws. */
function claimSeries({
  server,
  token,
  timings,
  log,
  draining,
  onRefused,
}: LoopDeps): (free: number) => Promise<ClaimedJob[]> {
  // Kept until it is answered: the server gives the jobs of a lost answer again.
  let claimId = randomUUID();
  let failed = 0;
  return async (free) => {
    const body: ClaimRequest = { claimId, slots: Math.min(free, 16), waitMs: timings.pollMs };
    const call = { method: "POST", path: "/api/v1/runner/claim", token, body } as const;
    try {
      const timed = { ...call, timeoutMs: timings.pollMs + answerMs, signal: draining };
      const response = await send(server, timed);
      const jobs = response.status === 204 ? [] : (await read(response, timed, Claimed)).jobs;
      claimId = randomUUID();
      failed = 0;
      if (jobs.length === 0) await restFor(Math.random() * timings.retryMs, draining);
      return jobs;
    } catch (thrown) {
      if (draining.aborted) return [];
      if (endsRunner(thrown)) {
        onRefused(thrown);
        return [];
      }
      failed += 1;
      log.warn({ err: thrown, failed }, "claiming failed");
      await pause(pauseAfter(failed, timings), thrown, draining).catch(() => {});
      return [];
    }
  };
}

const restFor = (ms: number, signal: AbortSignal): Promise<void> => wait(ms, signal).catch(() => {});

const untilAborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

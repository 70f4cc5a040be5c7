import type { Logger } from "pino";
import { WinnowError } from "#contract/error.ts";
import { type AttemptAction, type Heartbeat, HeartbeatAnswer } from "#contract/service/runner-protocol.ts";
import type { Timings } from "#contract/service/timings.ts";
import { pauseAfter, wait } from "./back-off.ts";
import { ask, type Server } from "./client.ts";
import type { Clock, Lease } from "./lease.ts";
import { endsRunner } from "./refusal.ts";

export type HeartbeatDeps = {
  server: Server;
  token: string;
  timings: Timings;
  clock: Clock;
  log: Logger;
  /** The leases of all attempts that were started and are not over. */
  leases(): Lease[];
  /** What else the server wants to know. */
  host(): Pick<Heartbeat, "draining" | "diskFreeBytes" | "paused">;
  onDrain(): void;
  /** The server does not want this runner any more, or cannot understand it. */
  onRefused(thrown: unknown): void;
};

/** Tells the server that this runner lives, until `stop`. A lease that could not be extended for `abandonMs` is given up. */
export function startHeartbeat(deps: HeartbeatDeps): { stop(): Promise<void> } {
  const { timings, leases } = deps;
  const stopping = new AbortController();
  const beating = keepBeating(deps, stopping.signal);
  const look = setInterval(
    () => {
      for (const lease of leases()) lease.loseWhenSilent();
    },
    Math.min(1000, timings.abandonMs / 20),
  );
  return {
    stop: async () => {
      stopping.abort();
      clearInterval(look);
      await beating;
    },
  };
}

async function keepBeating(deps: HeartbeatDeps, signal: AbortSignal): Promise<void> {
  const { timings, log } = deps;
  let failed = 0;
  while (!signal.aborted) {
    try {
      await beat(deps, signal);
      failed = 0;
    } catch (thrown) {
      if (signal.aborted) return;
      failed += 1;
      log.warn({ err: thrown, failed }, "heartbeat failed");
      if (endsRunner(thrown)) return deps.onRefused(thrown);
    }
    // Never later than in time: a lease is worth more than a server's rest.
    const ms = failed === 0 ? timings.heartbeatMs : Math.min(pauseAfter(failed, timings), timings.heartbeatMs);
    await wait(ms, signal).catch(() => {});
  }
}

async function beat({ server, token, timings, clock, log, leases, host, onDrain }: HeartbeatDeps, signal: AbortSignal) {
  const held = leases();
  const body: Heartbeat = {
    attempts: held.map(({ jobId, attempt, lease }) => ({ jobId, attempt, lease })),
    ...host(),
  };
  const sentAt = clock();
  const call = { method: "POST", path: "/api/v1/runner/heartbeat", token, body } as const;
  const answer = await ask(server, { ...call, timeoutMs: timings.heartbeatMs, signal }, HeartbeatAnswer);
  for (const { jobId, attempt, action } of answer.attempts) {
    const lease = held.find((one) => one.jobId === jobId && one.attempt === attempt);
    if (!lease) continue;
    if (action !== "continue") log.info({ jobId, attempt, action }, "asked by the server");
    obey(lease, action, sentAt);
  }
  if (answer.runner === "drain") onDrain();
}

function obey(lease: Lease, action: AttemptAction, sentAt: number): void {
  if (action === "abandon") {
    if (lease.isTelling) return; // the answer to that says whether it came in time
    lease.lose(new WinnowError("lease.lost", "The server has given the job away.", "Nothing: another runner has it."));
    return;
  }
  lease.touch(sentAt);
  if (action === "cancel")
    lease.end(new WinnowError("job.canceled", "The job was canceled.", "What it had made on the engine was removed."));
  if (action === "finish-observation") lease.finishObservation();
}

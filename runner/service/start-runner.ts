import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { asWinnowError, WinnowError } from "#contract/error.ts";
import type { ClaimedJob, Labels } from "#contract/service/runner-protocol.ts";
import type { Engine } from "../docker/engine.ts";
import { sweep } from "../docker/sweep.ts";
import { slim } from "../pipeline.ts";
import { info } from "../stages/info.ts";
import { resolve } from "../stages/resolve.ts";
import { type AttemptDeps, type Kinds, releaseAttempt, workOnAttempt } from "./attempt.ts";
import type { Fetch, Server } from "./client.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { type Host, lookAtHost } from "./host.ts";
import type { Lease } from "./lease.ts";
import { claimJobs } from "./loop.ts";
import { openSession } from "./register.ts";
import { openWorkspace } from "./workspace.ts";

type Sweep = (engine: Engine, about: { jobsAtWork(): readonly string[] }) => Promise<unknown>;

export type RunnerOptions = {
  /** Without a slash at its end. */
  url: string;
  /** The server in this process (`app.fetch`); left out: over the network. */
  fetch?: Fetch;
  /** A registration token; a runner that is registered needs none. */
  token?: string;
  name: string;
  labels: Labels;
  slots: number;
  version: string;
  engine: Engine;
  /** For runner.json and files of jobs at work. One runner at a time. */
  statePath: string;
  /** No job is begun when less is free, bytes. */
  diskFloorBytes?: number;
  /** How long a store that is down is waited for. */
  storeMs?: number;
  log: Logger;
  /** What works on jobs and sweeps the engine; tests give their own. */
  kinds?: Kinds & { sweep: Sweep };
};

/** `left`: jobs that were at work and whose end the server does not know. `error`: what ended the runner, if not a drain. */
export type RunnerEnd = { left: number; error: WinnowError | null };

export type RunningRunner = {
  /** No more jobs are begun; the runner ends with the last of those at work. */
  drain(): void;
  /** Also ends those at work; the server gives them to another runner. */
  cancel(): void;
  /** Never rejects. */
  ended: Promise<RunnerEnd>;
};

const sweepMs = 600_000;

/** Starts a runner. Throws `config.invalid` when its state cannot be used; whatever comes later is told by `ended`. */
export function startRunner(options: RunnerOptions): RunningRunner {
  const workspace = openWorkspace(options.statePath);
  const draining = new AbortController();
  const leases = new Set<Lease>();
  const drain = (): void => {
    if (!draining.signal.aborted) options.log.info({ jobs: leases.size }, "draining");
    draining.abort();
  };
  const stopped = new AbortController();
  const cancel = (): void => {
    drain();
    stopped.abort();
    const error = new WinnowError("service.draining", "The runner was stopped.", "The job goes to another runner.");
    for (const lease of leases) lease.end(error);
  };
  const parts: Parts = {
    options,
    leases,
    draining: draining.signal,
    stopped: stopped.signal,
    drain,
    tmpDir: workspace.path,
  };
  const ended = run(parts).finally(() => workspace.close());
  return { drain, cancel, ended };
}

type Parts = {
  options: RunnerOptions;
  leases: Set<Lease>;
  draining: AbortSignal;
  stopped: AbortSignal;
  drain(): void;
  tmpDir: string;
};

async function run(parts: Parts): Promise<RunnerEnd> {
  const { options, draining, leases } = parts;
  let left = 0;
  try {
    const error = await serve(parts, (end) => {
      if (end === "lost" && draining.aborted) left += 1;
    });
    return { left, error };
  } catch (thrown) {
    if (draining.aborted && leases.size === 0 && thrown === draining.reason) return { left, error: null };
    const error = asWinnowError(thrown);
    options.log.error({ err: thrown, code: error.code }, "the runner ends");
    return { left, error };
  }
}

async function serve(
  { options, leases, draining, stopped, drain, tmpDir }: Parts,
  onEnd: (end: "told" | "lost" | "unstarted") => void,
): Promise<WinnowError | null> {
  const { engine, log, statePath, version, slots } = options;
  const kinds = options.kinds ?? { slim, info, resolve, sweep };
  const jobsAtWork = () => [...leases].map(({ jobId }) => jobId);
  const sweeping = sweeper(() => kinds.sweep(engine, { jobsAtWork }), log);
  await sweeping.sweep();
  const server: Server = { url: options.url, fetch: options.fetch ?? overNetwork };
  const facts = { bootId: randomUUID(), version, labels: options.labels, slots, engine: engineFacts(engine) };
  const known = {
    server,
    token: options.token,
    name: options.name,
    facts,
    directory: statePath,
    log,
    signal: draining,
  };
  const { runnerId, token, timings } = await openSession(known);
  log.info({ runnerId, server: options.url, slots }, "ready for jobs");
  const floorBytes = options.diskFloorBytes ?? 10 * 2 ** 30;
  let host: Host = await lookAtHost(engine, { directory: tmpDir, floorBytes });
  const clock = () => performance.now();
  let refused: WinnowError | null = null;
  const onRefused = (thrown: unknown): void => {
    refused = asWinnowError(thrown);
    for (const lease of leases) lease.lose(refused);
    drain();
  };
  const work = async (job: ClaimedJob): Promise<void> => {
    let mine: Lease | undefined;
    const onStarted = (lease: Lease): void => {
      mine = lease;
      leases.add(lease);
      if (stopped.aborted) lease.end(stoppedBefore());
    };
    const common = { server, timings, clock, log };
    const more = {
      fetchForeign: overNetwork,
      engine,
      kinds,
      runnerId,
      version,
      tmpDir,
      storeMs: options.storeMs ?? 600_000,
    };
    const deps: AttemptDeps = { ...common, ...more, onStarted };
    onEnd(await workOnAttempt(job, deps));
    if (mine) leases.delete(mine);
    sweeping.isDue(); // an engine that was away for a moment may have kept what the job could not remove
  };
  const heartbeat = startHeartbeat({
    ...{ server, token, timings, clock, log, onRefused },
    leases: () => [...leases],
    host: () => ({ draining: draining.aborted, diskFreeBytes: host.diskFreeBytes, paused: host.paused?.text ?? null }),
    onDrain: drain,
  });
  try {
    await claimJobs({
      ...{ server, token, timings, slots, log, draining, work, onRefused },
      look: async () => {
        const before = host.paused;
        host = await lookAtHost(engine, { directory: tmpDir, floorBytes });
        if (host.paused && host.paused.text !== before?.text) log.warn({ reason: host.paused.text }, "taking no jobs");
        // It has kept what jobs had when it went.
        if (before?.reason === "unfit" && host.paused?.reason !== "unfit") sweeping.isDue();
        return host;
      },
      giveBack: (job, reason) =>
        releaseAttempt(job, { reason, detail: host.paused?.text ?? "" }, { server, timings, clock, log }),
      idle: sweeping.sweep,
    });
  } finally {
    await heartbeat.stop();
  }
  return refused;
}

const overNetwork: Fetch = (request) => fetch(request);

const stoppedBefore = (): WinnowError =>
  new WinnowError("service.draining", "The runner was stopped.", "The job goes to another runner.");

/** Removes what ended jobs left on the engine, every ten minutes or when it is due. Leftovers are no reason not to work. */
function sweeper(sweepEngine: () => Promise<unknown>, log: Logger): { sweep(): Promise<void>; isDue(): void } {
  let sweptAt = Number.NEGATIVE_INFINITY;
  return {
    isDue: () => {
      sweptAt = Number.NEGATIVE_INFINITY;
    },
    sweep: async () => {
      if (performance.now() - sweptAt < sweepMs) return;
      sweptAt = performance.now();
      await sweepEngine().catch((thrown: unknown) =>
        log.warn({ err: thrown }, "what crashed jobs left on the engine could not be removed"),
      );
    },
  };
}

const engineFacts = ({ facts }: Engine) => ({
  version: facts.version,
  storage: facts.storage,
  kernel: facts.kernel,
  architectures: [facts.architecture],
});

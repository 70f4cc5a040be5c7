import { randomUUID } from "node:crypto";
import {
  Claimed,
  type ClaimedJob,
  type Heartbeat,
  HeartbeatAnswer,
  type Outcome,
  Registered,
  type Registration,
  Session,
} from "#contract/service/runner-protocol.ts";
import type { Timings } from "#contract/service/timings.ts";
import type { ApiClient } from "./api-client.ts";
import { insist, unexpected } from "./insist.ts";
import { between, type Random } from "./random.ts";
import { type Work, workOn } from "./simulated-attempt.ts";

type Seen = { runner: string; at: number; tookMs: number };
type OfAttempt = Seen & { jobId: string; attempt: number };

/**
 * What a simulated runner saw: `at` is monotonic, ms, when the answer came; `tookMs` the call from its first try. `refused` is
 * what the server did not let it do, `dropped` an attempt that it gave up by itself or was told to abandon.
 */
export type Sighting =
  | ({ kind: "claimed" | "started" | "dropped" } & OfAttempt)
  | ({ kind: "finished"; state: string } & OfAttempt)
  | ({ kind: "refused"; call: string; status: number } & OfAttempt)
  | ({ kind: "joined" | "beat" } & Seen);

/** What stays of a runner when its process ends: its state directory. */
export type Identity = { name: string; systemId: string; token?: string };

export type RunnerOptions = {
  client: ApiClient;
  identity: Identity;
  /** Of scope `runner`. */
  registrationToken: string;
  slots: number;
  random: Random;
  /** How long it works on a job, ms. */
  workMs(): number;
  outcome(): Outcome;
  /** Sends progress, a log and an artifact too. */
  isTalkative: boolean;
  /** Ends its jobs when it is out of touch, as it should. Without, the server alone keeps it from doing harm. */
  isFencing: boolean;
  see(sighting: Sighting): void;
};

export const newIdentity = (name: string): Identity => ({ name, systemId: randomUUID() });

/**
 * One life of a process that speaks the runner protocol and works by waiting. It ends at once, as if killed, when `life` is
 * aborted, and after what it holds is done when `drain` is. Throws when the server's answer is none that a runner may get.
 */
export async function liveAsRunner(options: RunnerOptions, life: AbortSignal, drain: AbortSignal): Promise<void> {
  const askedAt = performance.now();
  const { timings } = await openSession(options, life);
  const at = performance.now();
  options.see({ kind: "joined", runner: options.identity.name, at, tookMs: at - askedAt });
  const held = new Map<string, Work>();
  const running = new Set<Promise<void>>();
  const beats = beat(options, timings, held, drain, life);
  const take = (job: ClaimedJob) => {
    const key = keyOf(job);
    if (held.has(key)) return; // the same answer again
    const work: Work = { job, cancel: new AbortController(), abandon: new AbortController() };
    held.set(key, work);
    const done = workOn(work, options, timings, life).finally(() => {
      held.delete(key);
      running.delete(done);
    });
    running.add(done);
  };
  try {
    while (!life.aborted && !drain.aborted) {
      const free = Math.min(options.slots - held.size, 16);
      if (free > 0) for (const job of await claim(options, timings, free, AbortSignal.any([life, drain]))) take(job);
      else await Promise.race(running);
    }
    await Promise.all(running);
  } finally {
    beats.stop();
  }
}

async function openSession(options: RunnerOptions, life: AbortSignal): Promise<Session> {
  const { identity, slots } = options;
  const timings = { retryMs: 100, maxRetryMs: 1_000 }; // its own until the server has sent some
  const facts = {
    bootId: randomUUID(),
    version: "0.0.0",
    labels: {},
    slots,
    engine: { version: "20.10", storage: "overlay2", kernel: "6.1", architectures: ["amd64"] },
  };
  if (identity.token) {
    const call = { method: "POST", path: "/runner/session", token: identity.token, body: facts } as const;
    const answer = await insist({ ...options, timings }, call, life);
    if (answer.status !== 200) throw unexpected("a session", answer);
    return Session.parse(answer.content);
  }
  const body: Registration = { ...facts, name: identity.name, systemId: identity.systemId };
  const call = { method: "POST", path: "/runners", token: options.registrationToken, body } as const;
  const answer = await insist({ ...options, timings }, call, life);
  if (answer.status !== 200 && answer.status !== 201) throw unexpected("a registration", answer);
  const registered = Registered.parse(answer.content);
  identity.token = registered.token;
  return registered;
}

/** Asks with one claim id until there is an answer. Gives nothing when there is nothing, and when `end` comes first. */
async function claim(options: RunnerOptions, timings: Timings, slots: number, end: AbortSignal): Promise<ClaimedJob[]> {
  const { name: runner, token = "" } = options.identity;
  const askedAt = performance.now();
  const body = { claimId: randomUUID(), slots, waitMs: timings.pollMs };
  const call = { method: "POST", path: "/runner/claim", token, body } as const;
  const answer = await insist({ ...options, timings }, call, end).catch((thrown) => {
    if (!end.aborted) throw thrown;
    return undefined;
  });
  if (!answer || answer.status === 204) return [];
  if (answer.status !== 200) throw unexpected("a claim", answer);
  const { jobs } = Claimed.parse(answer.content);
  const at = performance.now();
  for (const { jobId, attempt } of jobs)
    options.see({ kind: "claimed", runner, at, tookMs: at - askedAt, jobId, attempt });
  return jobs;
}

/** Heartbeats, one at a time. One that fails is not repeated: the next will do, or the runner is out of touch. */
function beat(
  options: RunnerOptions,
  { heartbeatMs, abandonMs }: Timings,
  held: Map<string, Work>,
  drain: AbortSignal,
  life: AbortSignal,
): { stop(): void } {
  const { name: runner, token = "" } = options.identity;
  const ended = new AbortController();
  const signal = AbortSignal.any([life, ended.signal]);
  let lastGoodAt = performance.now();
  const once = async () => {
    const sentAt = performance.now();
    const attempts = [...held.values()].map(({ job: { jobId, attempt, lease } }) => ({ jobId, attempt, lease }));
    const body: Heartbeat = { attempts, draining: drain.aborted, diskFreeBytes: null, paused: null };
    const call = { method: "POST", path: "/runner/heartbeat", token, body, signal } as const;
    const answer = await options.client.call(call).catch(() => undefined);
    if (answer?.status === 200) {
      lastGoodAt = sentAt; // counted from when it was sent: the server's lease began later
      const at = performance.now();
      options.see({ kind: "beat", runner, at, tookMs: at - sentAt });
      for (const told of HeartbeatAnswer.parse(answer.content).attempts) {
        if (told.action === "cancel") held.get(keyOf(told))?.cancel.abort();
        if (told.action === "abandon") held.get(keyOf(told))?.abandon.abort();
      }
    }
    if (options.isFencing && performance.now() - lastGoodAt > abandonMs)
      for (const { abandon } of held.values()) abandon.abort();
  };
  const again = () => {
    timer = setTimeout(() => void once().then(() => signal.aborted || again()), heartbeatMs);
  };
  // Not all at the same moment, as the runners of a server that has just restarted would.
  let timer = setTimeout(again, between(options.random, 0, heartbeatMs));
  return {
    stop: () => {
      ended.abort();
      clearTimeout(timer);
    },
  };
}

const keyOf = ({ jobId, attempt }: { jobId: string; attempt: number }): string => `${jobId}/${attempt}`;

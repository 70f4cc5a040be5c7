import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type ClaimedJob, Finished, type Outcome } from "#contract/service/runner-protocol.ts";
import type { Answer, Call } from "./api-client.ts";
import { insist, type Pace } from "./insist.ts";
import type { RunnerOptions } from "./simulated-runner.ts";

/** An attempt that a runner holds, and how it is told that it ends early. */
export type Work = { job: ClaimedJob; cancel: AbortController; abandon: AbortController };

type Ask = (call: Pick<Call, "method" | "path" | "body" | "headers">) => Promise<Answer>;

/**
 * Start, work, finish, all seen by `options.see`. What the server refuses ends the attempt; so do `abandon` and the end of the
 * runner's `life`, then without a word.
 */
export async function workOn(work: Work, options: RunnerOptions, timings: Pace, life: AbortSignal): Promise<void> {
  const { cancel, abandon } = work;
  const { jobId, attempt, token } = work.job;
  const signal = AbortSignal.any([life, abandon.signal]);
  const path = `/attempts/${jobId}/${attempt}`;
  let askedAt = 0;
  const seen = () => {
    const at = performance.now();
    return { runner: options.identity.name, at, tookMs: at - askedAt, jobId, attempt };
  };
  const ask: Ask = async (call) => {
    askedAt = performance.now();
    const answer = await insist({ ...options, timings }, { ...call, token }, signal);
    if (answer.status < 300) return answer;
    options.see({ kind: "refused", ...seen(), call: `${call.method} ${call.path}`, status: answer.status });
    throw refused;
  };
  try {
    await ask({ method: "POST", path: `${path}/start` });
    options.see({ kind: "started", ...seen() });
    const log = options.isTalkative ? await talk(ask, path) : Buffer.alloc(0);
    const isCanceled = await isCutShort(options.workMs(), cancel.signal, signal);
    const body = {
      outcome: isCanceled ? canceled : options.outcome(),
      log: { bytes: log.length, sha256: sha256Of(log) },
    };
    const answer = await ask({ method: "POST", path: `${path}/finish`, body });
    options.see({ kind: "finished", ...seen(), state: Finished.parse(answer.content).state });
  } catch (thrown) {
    if (thrown !== refused && !signal.aborted) throw thrown;
    if (abandon.signal.aborted) options.see({ kind: "dropped", ...seen() });
  }
}

/** Waits; true when `cancel` came before the time was over. Throws when `end` did. */
async function isCutShort(ms: number, cancel: AbortSignal, end: AbortSignal): Promise<boolean> {
  await delay(ms, undefined, { signal: AbortSignal.any([end, cancel]) }).catch(() => end.throwIfAborted());
  return cancel.aborted;
}

/** What a job says while it is worked on. Returns its log. */
async function talk(ask: Ask, path: string): Promise<Buffer> {
  const stage = { kind: "stage", stage: "inspect", state: "started" };
  await ask({ method: "POST", path: `${path}/progress`, body: { from: 0, events: [stage] } });
  const log = Buffer.from(`${path} looks into the image\n`.repeat(20));
  const half = log.length >> 1;
  await ask({ method: "PATCH", path: `${path}/log?offset=0`, body: log.subarray(0, half) });
  await ask({ method: "PATCH", path: `${path}/log?offset=${half}`, body: log.subarray(half) });
  const bytes = Buffer.from(JSON.stringify({ path }));
  const offer = { name: "profile.json", bytes: bytes.length, sha256: sha256Of(bytes) };
  await ask({ method: "POST", path: `${path}/artifacts`, body: offer });
  await ask({ method: "PUT", path: `${path}/artifacts/profile.json`, body: bytes });
  await ask({ method: "POST", path: `${path}/artifacts/profile.json/commit` });
  return log;
}

const refused = new Error("the server refused");
const canceled: Outcome = {
  state: "canceled",
  error: { code: "job.canceled", message: "It was canceled.", hint: "Submit it again." },
};
const sha256Of = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

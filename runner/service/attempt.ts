import { createHash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { asWinnowError } from "#contract/error.ts";
import type { JobRequest } from "#contract/job.ts";
import { secretsOf, textRedactor } from "#contract/redact.ts";
import {
  type ClaimedJob,
  type Finish,
  Finished,
  type Release,
  SourceAnswer,
  Started,
} from "#contract/service/runner-protocol.ts";
import type { Timings } from "#contract/service/timings.ts";
import type { RunnerDeps } from "../deps.ts";
import type { Engine } from "../docker/engine.ts";
import type { SourceImage } from "../image/source.ts";
import { type JobKinds, type Result, toFailure, workByKind, workOn } from "../work-on-job.ts";
import { uploadSink } from "./artifact-upload.ts";
import { type AttemptCalls, attemptCalls } from "./attempt-calls.ts";
import type { Fetch, Server } from "./client.ts";
import { openJobLog } from "./job-log.ts";
import { type Clock, Lease } from "./lease.ts";
import { type LogUpload, logUpload } from "./log-upload.ts";
import { type ProgressUpload, progressUpload } from "./progress-upload.ts";
import { Refusal } from "./refusal.ts";
import { hasSlim, sourceOf } from "./source.ts";

/** What an attempt does on the engine; tests give their own. */
export type Kinds = JobKinds & {
  resolve(request: JobRequest, deps: RunnerDeps): Promise<SourceImage>;
};

export type AttemptDeps = {
  server: Server;
  fetchForeign: Fetch;
  engine: Engine;
  kinds: Kinds;
  timings: Timings;
  clock: Clock;
  runnerId: string;
  version: string;
  /** The attempt makes a directory of its own in it, and removes it. */
  tmpDir: string;
  storeMs: number;
  /** The runner's own log. */
  log: Logger;
  /** Gets the lease once work may begin, and until it is over. */
  onStarted(lease: Lease): void;
};

/** `told`: the server knows how it ended. `lost`: the job is not ours any more. `unstarted`: no work was begun. */
export type AttemptEnd = "told" | "lost" | "unstarted";

/** Works on one claimed job, from start to finish. Nothing of it is left on this host when it ends. Never throws. */
export async function workOnAttempt(job: ClaimedJob, given: AttemptDeps): Promise<AttemptEnd> {
  const log = given.log.child({ jobId: job.jobId, attempt: job.attempt });
  const deps = { ...given, log };
  const lease = new Lease(job, deps.timings, deps.clock);
  const calls = attemptCalls(deps.server, { job, lease, pace: deps.timings });
  if (!(await start(lease, calls, deps))) return "unstarted";
  deps.onStarted(lease);
  const tmpDir = join(deps.tmpDir, `${job.jobId}-${job.attempt}`);
  try {
    mkdirSync(tmpDir, { recursive: true, mode: 0o700 });
    const finish = await workAndUpload(job, { lease, calls, tmpDir }, deps);
    log.info({ outcome: finish.outcome }, "attempt ended");
    return "told";
  } catch (thrown) {
    lease.end(thrown);
    log[lease.lost.aborted ? "warn" : "error"]({ err: thrown }, "attempt broke off");
    return (await tellFault(thrown, { job, lease, calls })) ? "told" : "lost";
  } finally {
    rmSync(tmpDir, { recursive: true, force: true });
  }
}

/** Gives a job back that was not started. When the server does not hear it, it takes it back by itself. */
export async function releaseAttempt(
  job: ClaimedJob,
  release: Release,
  { server, timings, clock, log }: Pick<AttemptDeps, "server" | "timings" | "clock" | "log">,
): Promise<void> {
  const calls = attemptCalls(server, { job, lease: new Lease(job, timings, clock), pace: timings });
  const until = AbortSignal.timeout(timings.startWindowMs);
  await calls.tell({ method: "POST", path: "/release", body: release }, until).then(
    () => log.info({ jobId: job.jobId, attempt: job.attempt, ...release }, "given back"),
    (thrown: unknown) => log.warn({ err: thrown, jobId: job.jobId }, "a job could not be given back"),
  );
}

/** Work begins only after the server has said so, in time. */
async function start(lease: Lease, calls: AttemptCalls, { timings, clock, log }: AttemptDeps): Promise<boolean> {
  const until = AbortSignal.any([lease.lost, AbortSignal.timeout(timings.startWindowMs)]);
  // Of the first try: which of them the server has counted from is not known.
  const sentAt = clock();
  try {
    await calls.ask({ method: "POST", path: "/start" }, Started, until);
    lease.touch(sentAt);
    return true;
  } catch (thrown) {
    log.warn({ err: thrown }, "a claimed job was not started");
    return false;
  }
}

type Own = { lease: Lease; calls: AttemptCalls; tmpDir: string };

async function workAndUpload(job: ClaimedJob, own: Own, deps: AttemptDeps): Promise<Finish> {
  const { lease, calls, tmpDir } = own;
  const { timings, log } = deps;
  const redact = textRedactor(secretsOf(job.request));
  const file = join(tmpDir, "job.log");
  const jobLog = openJobLog(file, redact);
  const logFile = await open(file, "r"); // read to the end even when its directory goes
  const upload = logUpload(logFile, { calls, log, pace: timings, lost: lease.lost });
  const progress = progressUpload(redact, { calls, log });
  const pump = setInterval(() => void Promise.all([upload.pump(), progress.pump()]), timings.logMs);
  try {
    const ended = await workOn(
      job.request,
      runnerDeps(job, own, { deps, progress, log: jobLog.log }),
      (request, inner) => answer({ ...job, request }, inner, { calls, kinds: deps.kinds }),
    );
    jobLog.close();
    lease.lost.throwIfAborted();
    clearInterval(pump);
    const { outcome, cachedFrom } = ended;
    const logFacts = await upload.complete();
    await progress.pump();
    const finish: Finish = { outcome, log: logFacts, ...(cachedFrom === undefined ? {} : { cachedFrom }) };
    await tellEnd(finish, { lease, calls, upload });
    return finish;
  } finally {
    clearInterval(pump);
    jobLog.close();
    // A pump on its way reads the file that is about to go.
    await Promise.all([upload.pump(), progress.pump()]);
    await logFile.close();
  }
}

function runnerDeps(
  { jobId, attempt }: ClaimedJob,
  { lease, calls, tmpDir }: Own,
  { deps, progress, log }: { deps: AttemptDeps; progress: ProgressUpload; log: Logger },
): RunnerDeps {
  const { fetchForeign, timings, storeMs, engine, runnerId, version } = deps;
  const uploading = { calls, lease, fetchForeign, tmpDir, pace: timings, log: deps.log, storeMs };
  return {
    engine,
    artifacts: uploadSink(uploading),
    log: log.child({ jobId, attempt }),
    progress: progress.add,
    signal: lease.signal,
    finishAsked: lease.finishAsked,
    mayPublish: () => lease.mayBegin(),
    jobId,
    runnerId,
    version,
    tmpDir,
    now: Date.now,
  };
}

/** Finds the image, and works unless the server knows the answer and this engine has what it promises. */
async function answer(
  { request, force }: ClaimedJob,
  deps: RunnerDeps,
  { calls, kinds }: { calls: AttemptCalls; kinds: Kinds },
): Promise<Result> {
  const source = await kinds.resolve(request, deps);
  const call = { method: "POST", path: "/source", body: sourceOf(source) } as const;
  const known = await calls.ask(call, SourceAnswer, deps.signal);
  if (known.action === "cached" && !force && (await hasSlim(known, deps))) {
    deps.log.info({ cachedFrom: known.jobId }, "answered from an earlier job");
    return { report: null, cachedFrom: known.jobId };
  }
  return workByKind(kinds, request, deps, source);
}

/** What broke around the work (no room for its log): told when no log is there yet, or the server waits for a dead job's lease. */
async function tellFault(thrown: unknown, { job, lease, calls }: Pick<Own, "lease" | "calls"> & { job: ClaimedJob }) {
  if (lease.lost.aborted) return false;
  const error = toFailure(asWinnowError(thrown), secretsOf(job.request));
  const log = { bytes: 0, sha256: createHash("sha256").digest("hex") };
  const call = { method: "POST", path: "/finish", body: { outcome: { state: "failed", error }, log } } as const;
  const tell = () => calls.ask(call, Finished);
  return await lease
    .mayTell()
    // What there was of the log is not of use any more: the server empties it when the sizes differ, and takes the second call.
    .then(() =>
      tell().catch((refused) =>
        refused instanceof Refusal && refused.status === 416 ? tell() : Promise.reject(refused),
      ),
    )
    .then(
      () => true,
      () => false,
    );
}

/** Gaps of the log that the server may find before it believes that it has all. */
const mostGaps = 5;

/** Tells how it ended, until the server has heard it or the job is somebody else's. */
async function tellEnd(finish: Finish, { lease, calls, upload }: Pick<Own, "lease" | "calls"> & { upload: LogUpload }) {
  const call = { method: "POST", path: "/finish", body: finish } as const;
  for (let gaps = 0; ; gaps += 1) {
    await lease.mayTell();
    lease.isTelling = true;
    try {
      await calls.ask(call, Finished);
      return;
    } catch (thrown) {
      if (!(thrown instanceof Refusal) || thrown.status !== 416 || gaps === mostGaps) throw thrown;
      await upload.complete(thrown.logNext ?? 0);
    }
  }
}

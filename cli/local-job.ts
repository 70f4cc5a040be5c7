import { createReadStream, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Logger } from "pino";
import { cancelJob } from "#api/db/cancel-job.ts";
import { claimJob } from "#api/db/claim-job.ts";
import { extendLease } from "#api/db/extend-lease.ts";
import { finishAttempt } from "#api/db/finish-attempt.ts";
import { writing } from "#api/db/open.ts";
import { type JobDetail, readJob } from "#api/db/read-job.ts";
import { readReport } from "#api/db/read-report.ts";
import { reapLocalAttempts } from "#api/db/reap-attempts.ts";
import { submitJob } from "#api/db/submit-job.ts";
import type { Lease } from "#api/db/take-job.ts";
import { artifactKey } from "#api/store/key.ts";
import { loadReport, reportName } from "#api/store/load-report.ts";
import { asWinnowError, WinnowError } from "#contract/error.ts";
import type { JobRequest } from "#contract/job.ts";
import { secretsOf } from "#contract/redact.ts";
import type { Report } from "#contract/report.ts";
import type { RunnerDeps, StoredArtifact } from "#runner/deps.ts";
import { redactBytes } from "#runner/redacting-sink.ts";
import { type Ended, toFailure, workOn } from "#runner/work-on-job.ts";
import type { JobLog } from "./log.ts";
import type { State } from "./state.ts";

export type LocalJob = {
  request: JobRequest;
  state: State;
  /** The runner's part: a report, or null for a job that makes none. */
  run(request: JobRequest, deps: RunnerDeps): Promise<Report | null>;
  /** What the runner needs and this function does not make. */
  deps: Pick<RunnerDeps, "engine" | "progress" | "finishAsked" | "runnerId" | "version" | "now">;
  /** Aborts when the user wants the job to end. */
  signal: AbortSignal;
  /** Opens the job's log, whose lines go to `file` at least. */
  openLog(file: string): JobLog;
  /** Which artifacts stay in the store when the job is over. */
  keepsArtifact(name: string): boolean;
  leaseMs?: number;
  heartbeatMs?: number;
};

/** A job as it was read back: the row, its artifacts, and the report when it has one. */
export type LocalResult = {
  job: JobDetail;
  report: Report | null;
  artifacts: StoredArtifact[];
  error: WinnowError | null;
};

/**
 * The five hops of a job in one process: submit, claim, work, finish, read back. What is printed afterwards comes from the database
 * and the store, as it would on a page. A job that fails is a result; throws only when its state could not be written (`lease.lost`).
 */
export async function runLocalJob(local: LocalJob): Promise<LocalResult> {
  const { state, deps, leaseMs = 60_000, heartbeatMs = 15_000 } = local;
  reapLocalAttempts(state.db, { now: deps.now() });
  const lease = submitAndClaim(local, leaseMs);
  const tmpDir = join(state.tmpPath, lease.jobId);
  mkdirSync(tmpDir, { recursive: true, mode: 0o700 });
  try {
    const logFile = join(tmpDir, "job.log");
    const { log, close } = local.openLog(logFile);
    const beat = keepAlive(local, lease, log, { leaseMs, heartbeatMs });
    try {
      const ended = await work(local, lease, { tmpDir, log, signal: beat.signal });
      close();
      await finish(local, lease, ended, logFile);
    } finally {
      beat.stop();
    }
  } finally {
    rmSync(tmpDir, { recursive: true, force: true });
  }
  return await readBack(state, lease.jobId);
}

/** In one transaction: no other runner of this database gets in between, and a crash leaves no job that nobody will take. */
function submitAndClaim({ request, state, deps }: LocalJob, leaseMs: number): Lease {
  const now = deps.now();
  const lease = writing(state.db, (tx) => {
    const { id } = submitJob(tx, { request, now, maxAttempts: 1 });
    return claimJob(tx, { runner: deps.runnerId, now, leaseMs, jobId: id });
  });
  if (!lease)
    throw new WinnowError("internal", "The job that was just submitted could not be claimed.", "Report this.");
  return lease;
}

/** Extends the lease until `stop`; `signal` aborts when the user, or anybody else, cancels the job, or when the lease is lost. */
function keepAlive(
  { state, deps, signal: asked }: LocalJob,
  lease: Lease,
  log: Logger,
  { leaseMs, heartbeatMs }: { leaseMs: number; heartbeatMs: number },
): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const cancel = () => {
    controller.abort(canceled());
    cancelJob(state.db, { jobId: lease.jobId, now: deps.now(), by: deps.runnerId });
  };
  if (asked.aborted) cancel();
  asked.addEventListener("abort", cancel, { once: true });
  const timer = setInterval(() => {
    try {
      if (extendLease(state.db, lease, { now: deps.now(), leaseMs }).isCancelAsked) controller.abort(canceled());
    } catch (thrown) {
      const error = asWinnowError(thrown);
      log.warn({ err: error }, "heartbeat failed");
      // A busy database may answer the next time; a lost lease never comes back.
      if (error.code !== "lease.lost") return;
      clearInterval(timer);
      controller.abort(error);
    }
  }, heartbeatMs);
  timer.unref();
  return {
    signal: controller.signal,
    stop: () => {
      clearInterval(timer);
      asked.removeEventListener("abort", cancel);
    },
  };
}

function canceled(): WinnowError {
  return new WinnowError("job.canceled", "The job was canceled.", "What it had made on the engine was removed.");
}

/** What the runner's part stores lies in this database's store. */
async function work(
  { state, run, deps }: LocalJob,
  { jobId, attempt, request }: Lease,
  { tmpDir, log, signal }: { tmpDir: string; log: Logger; signal: AbortSignal },
): Promise<Ended> {
  const artifacts: RunnerDeps["artifacts"] = {
    put: async (name, content) => ({ name, ...(await state.store.put(artifactKey(jobId, attempt, name), content)) }),
  };
  const whole = { ...deps, artifacts, log: log.child({ jobId, attempt }), signal, jobId, tmpDir };
  return workOn(request, whole, async (asked, inner) => ({ report: await run(asked, inner) }));
}

async function finish(
  local: LocalJob,
  lease: Lease,
  { outcome, report, stored }: Ended,
  logFile: string,
): Promise<void> {
  const { state, deps, keepsArtifact } = local;
  const keyOf = (name: string) => artifactKey(lease.jobId, lease.attempt, name);
  const finished = { outcome, report };
  try {
    if (keepsArtifact("job.log")) {
      stored.set("job.log", {
        name: "job.log",
        ...(await state.store.put(keyOf("job.log"), withoutSecrets(logFile, lease.request))),
      });
    }
    for (const name of [...stored.keys()].filter((name) => !keepsArtifact(name))) {
      await state.store.remove(keyOf(name));
      stored.delete(name);
    }
    if (report) {
      // Written again: only now it is known what was stored, and what was not kept. It cannot list itself.
      const others = [...stored.values()].filter(({ name }) => name !== reportName);
      finished.report = { ...report, artifacts: others };
      const document = `${JSON.stringify(finished.report, null, 2)}\n`;
      stored.set(reportName, { name: reportName, ...(await state.store.put(keyOf(reportName), document)) });
    }
  } catch (thrown) {
    // A job whose report is not stored has not succeeded; why it failed or was canceled before that matters more.
    if (outcome.state === "succeeded") finished.outcome = { state: "failed", error: toFailure(asWinnowError(thrown)) };
    if (!stored.has(reportName)) finished.report = null;
  }
  finishAttempt(state.db, lease, {
    ...finished,
    now: deps.now(),
    artifacts: [...stored.values()].map((artifact) => ({ ...artifact, key: keyOf(artifact.name) })),
  });
}

/** The file of the log has them, as `--log` does; what is stored has not. */
function withoutSecrets(file: string, request: JobRequest): Readable {
  const clean = redactBytes(secretsOf(request));
  const source = createReadStream(file).once("error", (error) => clean.destroy(error));
  return source.pipe(clean);
}

/** The last hop: a job that has ended, as the database and the store know it. Throws `job.not-found`. */
export async function readBack({ db, store }: State, jobId: string): Promise<LocalResult> {
  const job = readJob(db, jobId);
  const { summary, artifacts } = readReport(db, jobId);
  return {
    job,
    artifacts: artifacts.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })),
    report: summary ? await loadReport(store, summary) : null,
    error: job.errorCode ? new WinnowError(job.errorCode, job.errorMessage ?? "", job.errorHint ?? "") : null,
  };
}

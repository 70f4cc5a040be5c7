import { createReadStream, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { cancelJob } from "#api/db/cancel-job.ts";
import { claimJob, type Lease } from "#api/db/claim-job.ts";
import { extendLease } from "#api/db/extend-lease.ts";
import { finishAttempt, type Outcome } from "#api/db/finish-attempt.ts";
import { writing } from "#api/db/open.ts";
import { type JobDetail, readJob } from "#api/db/read-job.ts";
import { readReport } from "#api/db/read-report.ts";
import { reapAttempts } from "#api/db/reap-attempts.ts";
import { submitJob } from "#api/db/submit-job.ts";
import { artifactKey } from "#api/store/key.ts";
import { loadReport, reportName } from "#api/store/load-report.ts";
import { asWinnowError, WinnowError } from "#contract/error.ts";
import type { JobRequest } from "#contract/job.ts";
import type { Report } from "#contract/report.ts";
import type { RunnerDeps, StoredArtifact } from "#runner/deps.ts";
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
  reapAttempts(state.db, { now: deps.now() });
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

type Ended = { outcome: Outcome; report: Report | null; stored: Map<string, StoredArtifact> };

async function work(
  { request, state, run, deps }: LocalJob,
  lease: Lease,
  own: { tmpDir: string; log: Logger; signal: AbortSignal },
): Promise<Ended> {
  const stored: Ended["stored"] = new Map();
  const log = own.log.child({ jobId: lease.jobId, attempt: lease.attempt });
  log.info({ image: request.image, kind: request.kind, version: deps.version }, "job started");
  const artifacts: RunnerDeps["artifacts"] = {
    put: async (name, content) => {
      const object = await state.store.put(artifactKey(lease.jobId, lease.attempt, name), content);
      const artifact = { name, ...object };
      stored.set(name, artifact);
      return artifact;
    },
  };
  try {
    const report = await run(lease.request, {
      ...deps,
      artifacts,
      log,
      signal: own.signal,
      jobId: lease.jobId,
      tmpDir: own.tmpDir,
    });
    const outcome = judge(report);
    log.info({ state: outcome.state, verdict: report?.verdict ?? undefined }, "job ended");
    return { outcome, report, stored };
  } catch (thrown) {
    // Whatever broke while the job was being aborted, the abort is the reason.
    const error = own.signal.aborted ? asWinnowError(own.signal.reason) : asWinnowError(thrown);
    // The caller prints the error; only a fault of ours is an incident.
    log[error.code === "internal" ? "error" : "info"]({ err: thrown, code: error.code }, "job ended early");
    return {
      outcome: { state: error.code === "job.canceled" ? "canceled" : "failed", error: toFailure(error) },
      report: null,
      stored,
    };
  }
}

/** A slim image that did not pass is a failed job with a report; one that nothing exercised was made, and its verdict says so. */
function judge(report: Report | null): Outcome {
  if (report?.verdict !== "failed") return { state: "succeeded" };
  return {
    state: "failed",
    error: {
      code: "verify.failed",
      message: report.verdictReason ?? "The slim image does not answer as the fat one does.",
      hint: "Exercise more of the application (--http-probe-cmd, --exec), or keep what is missing with --include-path.",
    },
  };
}

function toFailure({ code, message, hint }: WinnowError): { code: WinnowError["code"]; message: string; hint: string } {
  return { code, message, hint };
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
        ...(await state.store.put(keyOf("job.log"), createReadStream(logFile))),
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

import { asWinnowError, type WinnowError } from "#contract/error.ts";
import type { JobRequest } from "#contract/job.ts";
import { secretsOf, textRedactor } from "#contract/redact.ts";
import type { Report } from "#contract/report.ts";
import type { Failure, Outcome } from "#contract/service/runner-protocol.ts";
import type { RunnerDeps, StoredArtifact } from "./deps.ts";
import type { SourceImage } from "./image/source.ts";
import { redactingSink } from "./redacting-sink.ts";
import { redactReport } from "./report/redact.ts";

/** What came of the runner's part: a report where the kind has one, or the job that the answer is taken from. */
export type Result = { report: Report | null; cachedFrom?: string };

/** How a job ended, and what it stored. Without the secrets of its request. */
export type Ended = Result & { outcome: Outcome; stored: Map<string, StoredArtifact> };

/** The runner's entry points. `source` spares the look-up of an image that was resolved before. */
export type JobKinds = {
  slim(request: JobRequest, deps: RunnerDeps, source?: SourceImage): Promise<Report>;
  info(request: JobRequest, deps: RunnerDeps, source?: SourceImage): Promise<object>;
};

/** Does what the kind asks for. An `info` job has a document in place of a report: the artifact `info.json`. */
export async function workByKind(
  kinds: JobKinds,
  request: JobRequest,
  deps: RunnerDeps,
  source?: SourceImage,
): Promise<Result & { about?: object }> {
  if (request.kind !== "info") return { report: await kinds.slim(request, deps, source) };
  const about = await kinds.info(request, deps, source);
  await deps.artifacts.put("info.json", `${JSON.stringify(about, null, 2)}\n`);
  return { report: null, about };
}

/** Works on a job, whatever its kind (`run`), and says how it ended. What breaks is an outcome; never throws. */
export async function workOn(
  request: JobRequest,
  given: RunnerDeps,
  run: (request: JobRequest, deps: RunnerDeps) => Promise<Result>,
): Promise<Ended> {
  const { log, signal, version } = given;
  const secrets = secretsOf(request);
  const stored: Ended["stored"] = new Map();
  const sink = redactingSink(given.artifacts, secrets);
  const put: RunnerDeps["artifacts"]["put"] = async (name, content) => {
    const artifact = await sink.put(name, content);
    stored.set(name, artifact);
    return artifact;
  };
  log.info({ image: request.image, kind: request.kind, version }, "job started");
  try {
    const { report: whole, cachedFrom } = await run(request, { ...given, artifacts: { put } });
    const report = whole && redactReport(whole);
    const outcome = judge(report);
    log.info({ state: outcome.state, verdict: report?.verdict ?? undefined }, "job ended");
    return { outcome, report, stored, ...(cachedFrom === undefined ? {} : { cachedFrom }) };
  } catch (thrown) {
    // Whatever broke while the job was being aborted, the abort is the reason.
    const error = signal.aborted ? asWinnowError(signal.reason) : asWinnowError(thrown);
    // Who asked for the job is told the error; only a fault of ours is an incident.
    log[error.code === "internal" ? "error" : "info"]({ err: thrown, code: error.code }, "job ended early");
    const failure = toFailure(error, secrets);
    const state = error.code === "job.canceled" ? "canceled" : "failed";
    return { outcome: { state, error: failure }, report: null, stored };
  }
}

/** A slim image that did not pass is a failed job with a report; one that nothing exercised was made, and its verdict says so. */
function judge(report: Report | null): Outcome {
  if (report?.verdict !== "failed") return { state: "succeeded" };
  return {
    state: "failed",
    error: {
      code: "verify.failed",
      message: cut(report.verdictReason ?? "The slim image does not answer as the fat one does.", 10_000),
      hint: "Exercise more of the application (--http-probe-cmd, --exec), or keep what is missing with --include-path.",
    },
  };
}

/** What is told of an error: its public part, without secrets, no longer than the contract allows. */
export function toFailure({ code, message, hint }: WinnowError, secrets: readonly string[] = []): Failure {
  const redact = textRedactor(secrets);
  return { code, message: cut(redact(message), 10_000), hint: cut(redact(hint), 2_000) };
}

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

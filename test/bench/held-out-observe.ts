import type { JobRequest, Scenario } from "#contract/job.ts";
import type { Answer } from "#contract/report.ts";
import type { ImageConfig, SourceImage } from "#runner/image/source.ts";
import type { ScenarioRun } from "#runner/observation.ts";
import type { Rootfs } from "#runner/rootfs.ts";
import type { FilesSession } from "#runner/sensor/files-session.ts";
import type { JobDeps } from "#runner/stages/job-deps.ts";
import { judgeFatRun } from "#runner/stages/judge-fat-run.ts";
import { observe, withHealthcheck } from "#runner/stages/observe.ts";
import { runScenario } from "#runner/stages/start-scenario.ts";
import { exercise } from "#runner/stages/verify.ts";
import type { Sample } from "../images/sample.ts";
import type { Bench } from "./bench.ts";
import { type HeldOut, heldOutSets } from "./held-out-sets.ts";
import { buildRecorder, type Opening, openedFiles, recordingDocker, requireWhole } from "./outside-truth.ts";

/** One sample at work; `files` reads the pristine image. */
export type Job = {
  sample: Sample;
  bench: Bench;
  source: SourceImage;
  request: JobRequest;
  deps: JobDeps;
  files: FilesSession;
};
/** What was observed without one endpoint; with all of them when it is undefined. */
export type Observed = { endpoint: HeldOut | undefined; runs: ScenarioRun[] };

/** The scenarios with the image's own health check, which is no endpoint and stays in every exercise. */
const asRun = (scenarios: readonly Scenario[], config: ImageConfig): Scenario[] => withHealthcheck(scenarios, config);

/** The whole exercise first. What a left-out probe does not belong to is not observed again. */
export async function observeAll(job: Job): Promise<Observed[]> {
  const { bench, source, request, deps } = job;
  const subject = { image: source.id, config: source.config };
  const scenarios = asRun(request.scenarios, source.config);
  const { runs: whole } = await observe(subject, { ...request, scenarios }, deps);
  const observed: Observed[] = [{ endpoint: undefined, runs: whole }];
  for (const endpoint of heldOutSets(request.scenarios)) {
    bench.signal.throwIfAborted();
    const others = whole.filter(({ scenario }) => scenario !== endpoint.scenario);
    observed.push({ endpoint, runs: [...others, ...(endpoint.rest ? await observeRest(endpoint.rest, job) : [])] });
  }
  return observed;
}

/** A command may rest on the one that is left out, and fail without it: that is part of what is seen then, and no fault. */
async function observeRest(rest: Scenario, { source, request, deps }: Job): Promise<ScenarioRun[]> {
  const runs: ScenarioRun[] = [];
  const [scenario = rest] = asRun([rest], source.config);
  const subject = { image: source.id, config: source.config };
  const whole = { name: "held out", subject, request, scenario, manner: "sensor", before: undefined } as const;
  for await (const { run } of runScenario(whole, deps)) {
    const { answers } = run;
    judgeFatRun({ ...run, answers: answers.filter((answer) => !hasFailed(answer)) }, scenario);
    runs.push(run);
  }
  return runs;
}

const hasFailed = ({ probe, exitCode }: Answer): boolean => probe.kind === "exec" && exitCode !== probe.expectExit;

/** The image's files that all scenarios open, with nothing of ours in the container. */
export async function openedOutside(job: Job, whole: readonly ScenarioRun[], rootfs: Rootfs): Promise<string[]> {
  const { source, request, deps } = job;
  const recorder = await buildRecorder();
  const recordings: ReturnType<typeof recorder.record>[] = [];
  const docker = recordingDocker(deps.engine.docker, (merged) => recordings.push(recorder.record(merged)));
  const again = {
    name: "outside",
    subject: { image: source.id, config: source.config },
    request: { ...request, scenarios: asRun(request.scenarios, source.config) },
    observed: whole,
    manner: "bare",
  } as const;
  const records: Opening[][] = [];
  try {
    await exercise(again, { ...deps, engine: { ...deps.engine, docker } });
  } finally {
    for (const recording of recordings) records.push(await recording.stop());
    recorder.close();
  }
  for (const [at, record] of records.entries()) requireWhole(rootfs, record, firstExec(whole[at]));
  return openedFiles(rootfs, records.flat());
}

const firstExec = (run: ScenarioRun | undefined): string | undefined =>
  run?.sensor[0]?.files.find(({ kind, result }) => kind === "exec" && result === "ok")?.path;

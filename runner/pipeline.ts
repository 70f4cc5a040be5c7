import { setMaxListeners } from "node:events";
import { canonicalJson } from "#contract/canonical-json.ts";
import type { JobRequest } from "#contract/job.ts";
import type { Report } from "#contract/report.ts";
import type { RunnerDeps } from "./deps.ts";
import { canceled } from "./docker/errors.ts";
import { readLayers } from "./docker/image-layers.ts";
import { layerRules, wantsLayers } from "./image/app-layers.ts";
import { editedConfig } from "./image/edit-config.ts";
import type { ImageConfig, SourceImage } from "./image/source.ts";
import type { ScenarioRun } from "./observation.ts";
import { storeArtifacts } from "./report/artifacts.ts";
import { report } from "./report/report.ts";
import type { Rootfs } from "./rootfs.ts";
import { sensorBinary } from "./sensor/binary.ts";
import type { Subject } from "./stages/instrument.ts";
import { type JobDeps, withJob } from "./stages/job-deps.ts";
import type { Known } from "./stages/keep.ts";
import { observe, withHealthcheck } from "./stages/observe.ts";
import { once } from "./stages/once.ts";
import { withFiles } from "./stages/open-files.ts";
import { prove } from "./stages/prove.ts";
import { readOwners } from "./stages/read-owners.ts";
import { resolve } from "./stages/resolve.ts";
import { stageTimer } from "./stages/stage-timer.ts";
import { together } from "./stages/together.ts";

/**
 * The whole product for kinds `slim` and `profile`: runs the image, keeps what it used, rebuilds, proves that the result
 * works. Returns a report also when verification failed; throws WinnowError when there is nothing to report on.
 * Whatever it made on the engine is gone when it returns, but for the slim image under its tags. `source` is the image when it was
 * resolved before.
 */
export async function slim(asked: JobRequest, deps: RunnerDeps, source?: SourceImage): Promise<Report> {
  try {
    return await runStages(asked, deps, source);
  } catch (thrown) {
    // What an abort breaks, it breaks in many ways; the abort is the reason of them all.
    throw deps.signal.aborted ? canceled(deps.signal.reason, thrown) : thrown;
  }
}

async function runStages(asked: JobRequest, deps: RunnerDeps, found?: SourceImage): Promise<Report> {
  const startedAt = deps.now();
  // Every call and stream of a job listens for its end; Node would take eleven of them for a leak.
  setMaxListeners(0, deps.signal);
  const stage = stageTimer(deps);
  const source = await stage("resolve", async () => found ?? (await resolve(asked, deps)));
  const config = editedConfig(source.config, asked);
  const request = { ...asked, scenarios: withHealthcheck(asked.scenarios, config) };
  const fat = runBy(source, config);
  const work = async (job: JobDeps): Promise<Report> => {
    const observing = stage(
      "observe",
      () => observe(fat, request, job),
      ({ runs }) => describeRuns(runs),
    );
    const proving = withFiles(fat, job, async (open) => {
      const index = await stage(
        "index",
        () => open.files.index(),
        ({ rootfs }) => `${rootfs.size} entries`,
      );
      const owners = once(() =>
        stage(
          "owners",
          () => readOwners(index.rootfs, open.files),
          ({ packages }) => `${packages.length} packages`,
        ),
      );
      const observed = await observing;
      const layers = wantsLayers(request.keep)
        ? layerRules(await stage("layers", () => readLayers(job, source.id)), request.keep)
        : [];
      const known = { ...whatIsKnown(config, request, index.rootfs, observed.runs), layers };
      // Asked for when nothing else reads the original any more: beside the last run, which leaves the processor time.
      const held = { ...open, release: () => void owners().then(open.release, open.release) };
      const { passes } = observed;
      try {
        const proof = await prove({ request, source, fat, known, passes, owners, open: held, stage }, job);
        const decided = { observed, contents: known.contents, owners: await owners(), ...proof };
        return { request, source, index, ...decided, startedAt, stages: stage.times };
      } finally {
        await owners.settled();
      }
    });
    const [outcome] = await together(proving, observing);
    return storeArtifacts(outcome, report(outcome, deps), deps);
  };
  return withJob(deps, await sensorBinary(source.architecture), work);
}

/** The original, run by the config that the slim image will have. */
function runBy({ id, config: made }: SourceImage, config: ImageConfig): Subject {
  return { image: id, config, ...(canonicalJson(config) === canonicalJson(made) ? {} : { made }) };
}

const whatIsKnown = (
  config: ImageConfig,
  { keep, run }: JobRequest,
  rootfs: Rootfs,
  observed: readonly ScenarioRun[],
): Known => ({
  rootfs,
  observed,
  config,
  keep,
  mounts: run.mounts,
  facts: new Map(),
  contents: new Map(),
});

const describeRuns = (runs: readonly { ports: number[]; answers: unknown[] }[]): string => {
  const ports = [...new Set(runs.flatMap((run) => run.ports))];
  const answers = runs.reduce((sum, run) => sum + run.answers.length, 0);
  return `${answers} answers${ports.length > 0 ? `, listening on ${ports.join(", ")}` : ""}`;
};

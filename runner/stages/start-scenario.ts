import type { JobRequest, Scenario } from "#contract/job.ts";
import { type ContainerSpec, createContainer, removeContainer } from "../docker/container.ts";
import { putFiles } from "../docker/files.ts";
import { removeVolume } from "../docker/volumes.ts";
import { signalNumber } from "../image/stop-signal.ts";
import { heedsStop, type ScenarioRun } from "../observation.ts";
import { endTarget } from "./end-target.ts";
import {
  bare,
  type GuardedPlace,
  type SensorPlace,
  type Subject,
  underSensor,
  volumesOf,
  withReadOnlyRoot,
  withVolumesFrom,
} from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";
import { conditionsOf, repeatable, under, wantsRestart } from "./lifecycle.ts";
import { eventsDirectory, freshGuardedPlace, freshPlace } from "./open-files.ts";
import { prepareSidecar } from "./open-relay.ts";
import { exercise, type Manner, type Run } from "./run-scenario.ts";
import { together } from "./together.ts";

type Whole = {
  name: string;
  subject: Subject;
  request: JobRequest;
  scenario: Scenario;
  manner: Manner;
  /** How the original did, when this is not its first time. */
  before: ScenarioRun | undefined;
};

/** One run, with the scenario as it was for that: its name and probes may be those of a lifecycle probe. */
export type Turn = { run: ScenarioRun; scenario: Scenario; isLifecycle: boolean };

/**
 * Runs an image through a scenario and then through each of its lifecycle probes. Whoever stops taking turns ends it there;
 * what it made is removed in any case.
 */
export async function* runScenario({ before, ...whole }: Whole, deps: JobDeps): AsyncGenerator<Turn> {
  const asked = before ? repeatable(whole.scenario, before) : whole.scenario;
  let plain: ScenarioRun | undefined;
  const first = { ...whole, scenario: asked, ...learnt(before) };
  for await (const turn of starts(first, deps)) {
    plain ??= turn.run;
    yield turn;
  }
  const again = repeatable(asked, plain);
  for (const condition of conditionsOf(asked)) {
    const run = { ...whole, scenario: under(condition, again), condition, ...learnt(before ?? plain) };
    for await (const { run: done, scenario } of starts(run, deps)) yield { run: done, scenario, isLifecycle: true };
  }
}

/** What an earlier run tells about the next one. */
const learnt = (run: ScenarioRun | undefined): Pick<Run, "expected" | "heedsStop"> => ({
  expected: run?.ports,
  heedsStop: run && heedsStop(run),
});

/** `guarded`: the place of an observed container, which has volumes of its own. */
type Start = { run: Run; guarded: GuardedPlace | undefined; place: SensorPlace; removals: (() => Promise<void>)[] };

/** One start of an image: readiness, probes, finish, stop. And the second on the volumes of the first, when it is asked for. */
async function* starts(run: Run, deps: JobDeps): AsyncGenerator<Turn> {
  const { scenario, manner } = run;
  const guarded = manner === "sensor" ? await freshGuardedPlace(deps, run.condition === "read-only") : undefined;
  const place = guarded ?? freshPlace();
  const start: Start = { run, guarded, place, removals: [] };
  try {
    const first = await startOnce(start, undefined, deps);
    yield { run: first.run, scenario, isLifecycle: false };
    if (!wantsRestart(scenario)) return;
    const second = { ...run, scenario: under("restart", repeatable(scenario, first.run)), ...learnt(first.run) };
    const { run: done } = await startOnce({ ...start, run: second }, first.containerId, deps);
    yield { run: done, scenario: second.scenario, isLifecycle: true };
  } finally {
    deps.later(removeAll(start.removals, volumesOf(place), deps));
  }
}

async function startOnce(
  { run, guarded, place, removals }: Start,
  volumesFrom: string | undefined,
  deps: JobDeps,
): Promise<{ run: ScenarioRun; containerId: string }> {
  const { subject } = run;
  const target = await createContainer(deps, withVolumesFrom(specOf(run, place), volumesFrom));
  removals.push(async () => {
    if (guarded) await endTarget(subject, guarded, target, deps);
    await removeContainer(target);
  });
  const [sidecar] = await together(
    prepareSidecar(subject, target, deps, place).then((prepared) => {
      removals.push(prepared.remove);
      return prepared;
    }),
    guarded && place.eventsVolume === undefined ? putFiles(target, eventsDirectory(place)) : Promise.resolve(),
  );
  return { run: await exercise(run, place, target, sidecar, deps), containerId: target.id };
}

/** The volumes last: they cannot go while a container holds them. */
async function removeAll(
  removals: readonly (() => Promise<void>)[],
  volumes: readonly string[],
  deps: JobDeps,
): Promise<void> {
  try {
    await Promise.all(removals.map((remove) => remove()));
  } finally {
    await Promise.all(volumes.map((volume) => removeVolume(deps.engine, volume)));
  }
}

function specOf({ subject, request, scenario, manner, condition }: Run, place: SensorPlace): ContainerSpec {
  const spec =
    manner === "bare"
      ? bare(subject, request, scenario)
      : underSensor(subject, request, scenario, place, signalNumber(subject.config.StopSignal));
  return condition === "read-only" ? withReadOnlyRoot(spec, subject.config) : spec;
}

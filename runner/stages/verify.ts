import type { JobRequest, Scenario } from "#contract/job.ts";
import type { Answer, Difference } from "#contract/report.ts";
import type { ScenarioRun } from "../observation.ts";
import { compareAnswers, noiseOf } from "../probes/compare.ts";
import type { Subject } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";
import { lifecycleName } from "./lifecycle.ts";
import type { Manner } from "./run-scenario.ts";
import type { StageTimer } from "./stage-timer.ts";
import { runScenario } from "./start-scenario.ts";

const answersOf = (runs: readonly ScenarioRun[]): Answer[] => runs.flatMap((run) => run.answers);

type Again = { name: string; subject: Subject; request: JobRequest; observed: readonly ScenarioRun[]; manner: Manner };

/** Runs an image as the original was run: observed again, or as any user would start it, with nothing of ours in it. */
export async function exercise(
  { name, subject, request, observed, manner }: Again,
  deps: JobDeps,
): Promise<ScenarioRun[]> {
  const runs: ScenarioRun[] = [];
  for (const scenario of request.scenarios) {
    const before = observed.find((run) => run.scenario === scenario.name);
    for await (const { run } of runScenario({ name, subject, request, scenario, manner, before }, deps)) runs.push(run);
  }
  return runs;
}

/** An application that answers by a race may need more than two runs to show it. */
const maxFatRuns = 3;

/**
 * Compares answers of the slim image with the original's. When they differ, the original runs again through the scenarios
 * concerned, at most three times each: what differs between its own runs is noise.
 */
export function comparer({ fat, request, passes: [observed = [], ...later], stage }: Comparing, deps: JobDeps) {
  const first = answersOf(observed);
  const noise: Difference[] = later.flatMap((pass) => noiseOf(first, answersOf(pass)));
  const asked = new Map<string, number>();
  const again = { name: "fat again", subject: fat, request, observed, manner: "bare" } as const;
  /** By what is known of the noise until now. */
  const differ = (runs: readonly ScenarioRun[]): Difference[] => compareAnswers(first, answersOf(runs), noise);
  const compare = async (runs: readonly ScenarioRun[]): Promise<Difference[]> => {
    let differences = differ(runs);
    for (;;) {
      const concerned = toAskAgain(new Set(differences.map(({ scenario }) => scenario)));
      if (concerned.length === 0) return differences;
      noise.push(...(await noiseIn(concerned)));
      differences = differ(runs);
    }
  };
  const toAskAgain = (differing: ReadonlySet<string>): Scenario[] =>
    request.scenarios.filter(
      (one) => (asked.get(one.name) ?? 0) < maxFatRuns && namesOf(one).some((name) => differing.has(name)),
    );
  /** What the original itself answers differently this time. */
  const noiseIn = async (scenarios: Scenario[]): Promise<Difference[]> => {
    for (const { name } of scenarios) asked.set(name, (asked.get(name) ?? 0) + 1);
    const runs = await stage("noise", () => exercise({ ...again, request: { ...request, scenarios } }, deps));
    const names = new Set(scenarios.flatMap(namesOf));
    const before = first.filter(({ scenario }) => names.has(scenario));
    return noiseOf(before, answersOf(runs));
  };
  return { compare, differ, noise };
}

/** The names that the answers of a scenario have: its own, and those of its lifecycle probes. */
const namesOf = ({ name, lifecycle }: Scenario): string[] => [
  name,
  ...lifecycle.map((one) => lifecycleName(name, one)),
];

type Comparing = {
  fat: Subject;
  request: JobRequest;
  /** All runs of the original. The first ones are the measure; where later ones answer otherwise is noise from the start. */
  passes: readonly (readonly ScenarioRun[])[];
  stage: StageTimer;
};

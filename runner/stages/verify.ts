import type { JobRequest, Scenario } from "#contract/job.ts";
import type { Answer, Difference } from "#contract/report.ts";
import { type ScenarioRun, stopIsCaught } from "../observation.ts";
import { compareAnswers, noiseOf } from "../probes/compare.ts";
import type { Subject } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";
import { runScenario } from "./run-scenario.ts";

/** What a person did by hand during the observation cannot be done again: then the probes alone are repeated. */
function repeatable(scenario: Scenario): Scenario {
  return scenario.finish?.kind === "signal" ? { ...scenario, finish: { kind: "probe-done" } } : scenario;
}

const answersOf = (runs: readonly ScenarioRun[]): Answer[] => runs.flatMap((run) => run.answers);

/** Runs the slim image as the original was run: same scenarios, same sensor. */
export async function exerciseSlim(subject: Subject, request: JobRequest, deps: JobDeps): Promise<ScenarioRun[]> {
  const runs: ScenarioRun[] = [];
  for (const scenario of request.scenarios.map(repeatable)) {
    runs.push(await runScenario({ name: "slim", subject, scenario, request, manner: { kind: "sensor" } }, deps));
  }
  return runs;
}

/** Runs an image as any user would: nothing of ours is in the container. */
export async function exerciseBare(
  name: string,
  subject: Subject,
  request: JobRequest,
  observed: readonly ScenarioRun[],
  deps: JobDeps,
): Promise<ScenarioRun[]> {
  const runs: ScenarioRun[] = [];
  for (const scenario of request.scenarios.map(repeatable)) {
    const before = observed.find((run) => run.scenario === scenario.name);
    const manner = { kind: "bare", stopCaught: before && stopIsCaught(before) } as const;
    runs.push(await runScenario({ name, subject, scenario, request, manner }, deps));
  }
  return runs;
}

/**
 * Compares answers of the slim image with the original's. When they differ, the original runs once more, and what
 * differs between its own two runs is noise.
 */
export function comparer(fat: Subject, request: JobRequest, observed: readonly ScenarioRun[], deps: JobDeps) {
  const first = answersOf(observed);
  let noise: Promise<Difference[]> | undefined;
  const askAgain = async (): Promise<Difference[]> =>
    noiseOf(first, answersOf(await exerciseBare("fat again", fat, request, observed, deps)));
  return {
    async compare(runs: readonly ScenarioRun[]): Promise<Difference[]> {
      const differences = compareAnswers(first, answersOf(runs));
      if (differences.length === 0) return differences;
      noise ??= askAgain();
      return compareAnswers(first, answersOf(runs), await noise);
    },
    async noise(): Promise<Difference[]> {
      return (await noise) ?? [];
    },
  };
}

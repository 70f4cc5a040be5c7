import type { JobRequest, Scenario } from "#contract/job.ts";
import type { Answer, Difference } from "#contract/report.ts";
import { heedsStop, type ScenarioRun } from "../observation.ts";
import { compareAnswers, noiseOf } from "../probes/compare.ts";
import type { Subject } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";
import { type Manner, runScenario } from "./run-scenario.ts";

/** What a person did by hand during the observation cannot be done again: then the probes alone are repeated. */
function repeatable(scenario: Scenario): Scenario {
  return scenario.finish?.kind === "signal" ? { ...scenario, finish: { kind: "probe-done" } } : scenario;
}

const answersOf = (runs: readonly ScenarioRun[]): Answer[] => runs.flatMap((run) => run.answers);

type Again = { name: string; subject: Subject; request: JobRequest; observed: readonly ScenarioRun[]; manner: Manner };

/** Runs an image as the original was run: observed again, or as any user would start it, with nothing of ours in it. */
export async function exercise(
  { name, subject, request, observed, manner }: Again,
  deps: JobDeps,
): Promise<ScenarioRun[]> {
  const runs: ScenarioRun[] = [];
  for (const scenario of request.scenarios.map(repeatable)) {
    const before = observed.find((run) => run.scenario === scenario.name);
    const run = { name, subject, scenario, request, manner, heedsStop: before ? heedsStop(before) : true };
    runs.push(await runScenario(run, deps));
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
    noiseOf(
      first,
      answersOf(await exercise({ name: "fat again", subject: fat, request, observed, manner: "bare" }, deps)),
    );
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

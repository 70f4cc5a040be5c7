import type { JobRequest, Scenario } from "#contract/job.ts";
import type { Warning } from "#contract/report.ts";
import { healthProbe } from "../image/healthcheck.ts";
import type { ImageConfig } from "../image/source.ts";
import type { ScenarioRun } from "../observation.ts";
import type { Subject } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";
import { judgeFatRun } from "./judge-fat-run.ts";
import { runScenario } from "./run-scenario.ts";

/** The scenarios with what the image itself says about its health: HEALTHCHECK is one more command after the probes. */
export function withHealthcheck(scenarios: readonly Scenario[], config: ImageConfig): Scenario[] {
  const health = healthProbe(config);
  if (!health) return [...scenarios];
  return scenarios.map((scenario) => ({ ...scenario, probes: [...scenario.probes, health] }));
}

export type Observed = { runs: ScenarioRun[]; warnings: Warning[] };

/** Runs the original image under the sensor, one scenario after the other. Throws when a run cannot be a measure. */
export async function observe(subject: Subject, request: JobRequest, deps: JobDeps): Promise<Observed> {
  const health = healthProbe(subject.config);
  const runs: ScenarioRun[] = [];
  const warnings: Warning[] = [];
  for (const scenario of request.scenarios) {
    const run = await runScenario({ name: "fat", subject, scenario, request, manner: "sensor", heedsStop: true }, deps);
    warnings.push(...run.warnings, ...judgeFatRun(run, scenario, health ? [health.argv] : []));
    runs.push(run);
  }
  return { runs, warnings };
}

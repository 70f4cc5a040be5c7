import { WinnowError } from "#contract/error.ts";
import type { JobRequest, Scenario } from "#contract/job.ts";
import type { Warning } from "#contract/report.ts";
import { healthProbe } from "../image/healthcheck.ts";
import type { ImageConfig } from "../image/source.ts";
import type { ScenarioRun } from "../observation.ts";
import type { Subject } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";
import { judgeFatRun } from "./judge-fat-run.ts";
import { lifecycleName, wantsRestart } from "./lifecycle.ts";
import { runScenario, type Turn } from "./start-scenario.ts";
import { uniteRuns } from "./unite-runs.ts";

/**
 * The scenarios with what the image itself says about its health: HEALTHCHECK is one more command after the probes. A command
 * that is to end is no service, and has no health.
 */
export function withHealthcheck(scenarios: readonly Scenario[], config: ImageConfig): Scenario[] {
  const health = healthProbe(config);
  if (!health) return [...scenarios];
  return scenarios.map((scenario) =>
    scenario.finish?.kind === "command-exit" ? scenario : { ...scenario, probes: [...scenario.probes, health] },
  );
}

/** `runs`: one for each scenario and lifecycle probe, with what all `passes` through them used. */
export type Observed = { runs: ScenarioRun[]; passes: ScenarioRun[][]; warnings: Warning[] };

/**
 * Runs the original image under the sensor, one scenario after the other, and all of them as often as the request says. Throws
 * when a run cannot be a measure.
 */
export async function observe(subject: Subject, request: JobRequest, deps: JobDeps): Promise<Observed> {
  const passes: ScenarioRun[][] = [];
  const warnings = request.scenarios
    .filter((scenario) => wantsRestart(scenario) && !hasVolumes(subject.config, request))
    .map(restartedOnNothing);
  while (passes.length < request.observe.repeat) {
    const pass: ScenarioRun[] = [];
    for (const scenario of request.scenarios) {
      const before = passes[0]?.find((run) => run.scenario === scenario.name);
      const whole = { name: "fat", subject, request, scenario, manner: "sensor", before } as const;
      for await (const turn of runScenario(whole, deps)) {
        warnings.push(...turn.run.warnings, ...judge(turn, subject, request));
        pass.push(turn.run);
      }
    }
    passes.push(pass);
  }
  return { runs: uniteRuns(passes), passes, warnings };
}

/**
 * An original that does not stand a lifecycle probe is no fault: not every application can reload, or do without a root that can
 * be written. What it did then is the measure all the same.
 */
function judge({ run, scenario, isLifecycle }: Turn, { config }: Subject, request: JobRequest): Warning[] {
  const { scenarios } = request;
  try {
    return judgeFatRun(run, scenario, declaresPort(config, request));
  } catch (thrown) {
    if (!(thrown instanceof WinnowError)) throw thrown;
    const { code, message, hint } = thrown;
    if (!isLifecycle)
      throw scenarios.length < 2 ? thrown : new WinnowError(code, `Scenario "${run.scenario}": ${message}`, hint);
    return [{ code: "lifecycle.failed", text: `${run.scenario}: ${message}` }];
  }
}

const declaresPort = ({ ExposedPorts = {} }: ImageConfig, { run }: JobRequest): boolean =>
  [...Object.keys(ExposedPorts), ...run.expose].some((port) => !port.endsWith("/udp"));

const hasVolumes = ({ Volumes = {} }: ImageConfig, { run }: JobRequest): boolean =>
  Object.keys(Volumes).length > 0 || run.mounts.length > 0;

const restartedOnNothing = ({ name }: Scenario): Warning => ({
  code: "lifecycle.no-volume",
  text: `${lifecycleName(name, "restart")}: neither the image nor the job has a volume, so the second start finds nothing of the first.`,
});

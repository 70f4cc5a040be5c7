import type { Lifecycle, Scenario } from "#contract/job.ts";
import type { ScenarioRun } from "../observation.ts";

/** Lifecycle probes that are a run of their own; a restart is the second start of the run before it. */
export type Condition = Exclude<Lifecycle, "restart">;

/** What hardly anybody builds with: an offset of 5:45 h, and a language with its own months, decimals and messages. */
const otherZone = ["TZ=Asia/Kathmandu"];
const otherLocale = ["LANG=de_DE.UTF-8", "LC_ALL=de_DE.UTF-8", "LANGUAGE=de"];

const environment: Record<Lifecycle, readonly string[]> = {
  timezone: otherZone,
  locale: otherLocale,
  restart: [],
  reload: [],
  "read-only": [],
};

/**
 * The scenario as it can be done again. What a person did by hand cannot: then the probes alone are repeated. What was found by
 * looking at answers is not looked for again: the same requests are sent in the same order.
 */
export function repeatable(scenario: Scenario, before: ScenarioRun | undefined): Scenario {
  const probes = [...scenario.probes, ...(before?.discovered ?? [])];
  const finish = scenario.finish?.kind === "signal" ? ({ kind: "probe-done" } as const) : scenario.finish;
  const again = { ...scenario, probes, finish, apiSpecs: undefined, crawl: undefined };
  return before && finish === undefined && wasIdle(before) ? { ...again, ...glance } : again;
}

/** Neither listened nor ended, and nothing was executed in it: all that another run can show is that it still does not. */
const wasIdle = ({ startMs, ending, answers }: ScenarioRun): boolean =>
  startMs === null && ending.how !== "ended" && answers.every(({ target }) => target === "command");

const glance = { defaultProbe: false, finish: { kind: "seconds", seconds: 1 } } as const;

/** Name of a scenario's run under a lifecycle probe: with a dot, so that no scenario of a job has it. */
export const lifecycleName = (scenario: string, lifecycle: Lifecycle): string => `${scenario}.${lifecycle}`;

/** A scenario, `repeatable`, as one of its lifecycle probes has it. */
export const under = (lifecycle: Lifecycle, scenario: Scenario): Scenario => ({
  ...scenario,
  name: lifecycleName(scenario.name, lifecycle),
  env: [...scenario.env, ...environment[lifecycle]],
  lifecycle: [],
});

export const wantsRestart = (scenario: Scenario): boolean => scenario.lifecycle.includes("restart");

/** The runs that a scenario asks for besides itself, each once. */
export const conditionsOf = ({ lifecycle }: Scenario): Condition[] => [
  ...new Set(lifecycle.filter((one) => one !== "restart")),
];

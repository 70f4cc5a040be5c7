import type { ScenarioRun } from "../observation.ts";

/**
 * One run for each scenario out of several passes through all of them: what the first pass answered, with what all passes used.
 * The answers of one run belong together; what it used is only the least that the application uses.
 */
export function uniteRuns([first = [], ...later]: readonly (readonly ScenarioRun[])[]): ScenarioRun[] {
  return first.map((run) => {
    const all = [run, ...later.flat().filter(({ scenario }) => scenario === run.scenario)];
    return {
      ...run,
      sensor: all.flatMap(({ sensor }) => sensor),
      rawEvents: all.flatMap(({ rawEvents }) => rawEvents),
      warnings: all.flatMap(({ warnings }) => warnings),
    };
  });
}

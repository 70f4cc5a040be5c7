import type { UnsteadyScenario, Warning } from "#contract/report.ts";
import type { ScenarioRun } from "../observation.ts";
import type { Rootfs } from "../rootfs.ts";
import { observed } from "../rules/observed.ts";

/** Entries that a report names; their number tells of the others. */
const shownPaths = 20;

/**
 * The scenarios whose runs on the original did not use the same entries or listen on the same ports.
 * @param passes all runs of the first observation, then all of the second, and so on
 */
export function unsteadyScenarios(passes: readonly (readonly ScenarioRun[])[], rootfs: Rootfs): UnsteadyScenario[] {
  const [first = []] = passes;
  return first.flatMap(({ scenario }) => {
    const runs = passes.flatMap((pass) => pass.filter((run) => run.scenario === scenario));
    const paths = inSome(runs.map((run) => usedEntries(run, rootfs)));
    const ports = inSome(runs.map((run) => run.boundPorts ?? run.ports));
    if (paths.length + ports.length === 0) return [];
    return [
      {
        scenario,
        entries: paths.length,
        paths: paths.slice(0, shownPaths).map(({ item, runs: numbers }) => ({ path: item, runs: numbers })),
        ports: ports.map(({ item, runs: numbers }) => ({ port: item, runs: numbers })),
      },
    ];
  });
}

/** What is unsteady in words: the exercise, or the application, has something to it that one run does not show. */
export function unsteadyWarnings(unsteady: readonly UnsteadyScenario[], times: number): Warning[] {
  return unsteady.map(({ scenario, entries, paths, ports }) => {
    const [path] = paths;
    const files = path
      ? [`${entries} entries were used by some only, first ${path.path} (run ${list(path.runs)})`]
      : [];
    const listened = ports.map(({ port, runs }) => `port ${port} was open in run ${list(runs)} only`);
    const text = `The ${times} runs of scenario ${scenario} differed: ${[...files, ...listened].join("; ")}.`;
    return { code: "observation.unsteady", text };
  });
}

const list = (runs: readonly number[]): string => runs.join(", ");

function usedEntries(run: ScenarioRun, rootfs: Rootfs): string[] {
  const seen = observed(
    rootfs,
    run.sensor.map((sensor) => ({ scenario: run.scenario, run: sensor })),
  );
  return seen.map(({ path }) => path).filter((path) => rootfs.has(path));
}

/** The items that are in some of the lists and not in all, in order, each with the numbers of its lists. */
function inSome<Item extends string | number>(lists: readonly (readonly Item[])[]): { item: Item; runs: number[] }[] {
  const runsOf = new Map<Item, number[]>();
  for (const [index, items] of lists.entries())
    for (const item of new Set(items)) runsOf.set(item, [...(runsOf.get(item) ?? []), index + 1]);
  return [...runsOf]
    .filter(([, runs]) => runs.length < lists.length)
    .map(([item, runs]) => ({ item, runs }))
    .toSorted((a, b) => (a.item < b.item ? -1 : 1));
}

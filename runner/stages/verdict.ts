import type { Difference, Round, Verdict } from "#contract/report.ts";
import type { ScenarioRun } from "../observation.ts";

type Evidence = {
  rounds: readonly Round[];
  bareDifferences: readonly Difference[];
  exercised: boolean;
  repaired: boolean;
};

/** True when a probe was answered, or a command ran to its end: without one of the two nothing was proved. */
export function wasExercised(observed: readonly ScenarioRun[]): boolean {
  return observed.some(
    (run) =>
      run.ending.how === "ended" || run.answers.some((answer) => answer.target !== "command" && answer.error === null),
  );
}

const describe = ({ scenario, target, field, fat, slim }: Difference): string =>
  `${scenario}, ${target}: ${field} was ${fat}, is ${slim}`;

/** The verdict over all that was run, and its reason in words; null when there is nothing to say. */
export function decideVerdict({ rounds, bareDifferences, exercised, repaired }: Evidence): {
  verdict: Verdict;
  reason: string | null;
} {
  const last = rounds.at(-1)?.differences ?? [];
  const [observed] = last;
  if (observed)
    return { verdict: "failed", reason: `${last.length} answers differ from the original's. ${describe(observed)}` };
  const [bare] = bareDifferences;
  if (bare) {
    return {
      verdict: "failed",
      reason: `Without the sensor ${bareDifferences.length} answers differ from the original's. ${describe(bare)}`,
    };
  }
  if (!exercised)
    return {
      verdict: "not-exercised",
      reason: "No probe was answered and no command ended: it starts, more is not proved.",
    };
  return repaired
    ? { verdict: "repaired", reason: `${rounds.length - 1} rounds of repair` }
    : { verdict: "verified", reason: null };
}

import type { Difference, Round, Verdict } from "#contract/report.ts";

type Evidence = {
  rounds: readonly Round[];
  bareDifferences: readonly Difference[];
  exercised: boolean;
  /** Nothing was shown to be in use, so only what nobody uses was taken away. */
  cleanedOnly: boolean;
};

const describe = ({ scenario, target, field, fat, slim }: Difference): string =>
  `${scenario}, ${target}: ${field} was ${fat}, is ${slim}`;

/** The verdict over all that was run, and its reason in words; null when there is nothing to say. */
export function decideVerdict({ rounds, bareDifferences, exercised, cleanedOnly }: Evidence): {
  verdict: Verdict;
  reason: string | null;
} {
  const repairs = rounds.length - 1;
  const repaired = `${repairs} ${repairs === 1 ? "round" : "rounds"} of repair`;
  const { differences: last = [], missing = [] } = rounds.at(-1) ?? {};
  if (last.length > 0) {
    const tried = repairs > 0 ? `After ${repaired} ` : "";
    const vain = missing.length > 0 ? `; it still looked in vain for ${missing.slice(0, shown).join(", ")}` : "";
    const reason = `${tried}${last.length} answers differ from the original's. ${told(last)}${vain}`;
    return { verdict: "failed", reason };
  }
  if (bareDifferences.length > 0) {
    return {
      verdict: "failed",
      reason: `Without the sensor ${bareDifferences.length} answers differ from the original's. ${told(bareDifferences)}`,
    };
  }
  if (!exercised) return { verdict: "not-exercised", reason: cleanedOnly ? cleaned : started };
  return repairs > 0 ? { verdict: "repaired", reason: repaired } : { verdict: "verified", reason: null };
}

const started = "No probe was answered and no command ended: it starts, more is not proved.";
const cleaned = "Nothing exercised it: only documents, caches and package lists were taken away.";

/** Differences that a reason tells; the verification's record has them all. */
const shown = 3;

function told(differences: readonly Difference[]): string {
  const more = differences.length > shown ? `; and ${differences.length - shown} more` : "";
  return `${differences.slice(0, shown).map(describe).join("; ")}${more}`;
}

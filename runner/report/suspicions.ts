import type { Verdict, Warning } from "#contract/report.ts";

/** So much smaller are only programs that serve something, and little of that. */
const suspiciousRatio = 300;

type Result = { verdict: Verdict; ratio: number; listened: boolean };

/** Warnings of a result that is likely not what its owner wants, although nothing failed. */
export function suspicions({ verdict, ratio, listened }: Result): Warning[] {
  const warnings: Warning[] = [];
  if (verdict === "not-exercised") {
    warnings.push({
      code: "result.not-exercised",
      text: "Nothing exercised the application, so nothing is proven: exercise it with probes, --exec, or a command after --.",
    });
  }
  if (ratio > suspiciousRatio && !listened && verdict !== "failed") {
    warnings.push({
      code: "result.suspicious",
      text: `The slim image is ${Math.floor(ratio)} times smaller (${verdict}), and nothing ever listened: see that the command which ran is the work that the image is for.`,
    });
  }
  return warnings;
}

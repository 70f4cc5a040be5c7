import type { Verdict } from "#contract/report.ts";
import { buildSample, buildSettings, realDir, sampleNamed, sampleNames } from "../images/build.ts";
import { checkSample } from "../images/check.ts";
import type { Sample } from "../images/sample.ts";
import { type Bench, type Group, measureJob, untag } from "./bench.ts";
import { median, megabytes, seconds, table } from "./table.ts";

type Row = {
  name: string;
  installed: string;
  fatBytes: number;
  slimBytes: number | null;
  ratio: number | null;
  verdict: Verdict | null;
  reason: string | null;
  repairs: readonly string[];
  /** Null when the job made no image. `steps` counts all steps of the check, those after a failed one too. */
  check: { parts: number; failedParts: number; failures: readonly string[]; triedSteps: number; steps: number } | null;
  jobMs: number;
  checkMs: number;
};
type Failure = { name: string; error: string };

export const realNames = (): string[] => sampleNames(realDir);

/** The applications that were named, or all of them. */
export const chosenReal = ({ samples }: Pick<Bench, "samples">): readonly string[] =>
  samples.length > 0 ? samples : realNames();

/**
 * Applications that others wrote, each as one job that is told nothing but how the application is started, and its functional
 * check on what came of it, which no observation saw.
 */
export const real: Group = async (bench) => {
  const rows: (Row | Failure)[] = [];
  for (const name of chosenReal(bench)) {
    bench.say(`real: ${name}`);
    try {
      const row = await measureReal(name, bench);
      rows.push(row);
      bench.say(cellsOf(row).join("  "));
    } catch (error) {
      bench.signal.throwIfAborted();
      rows.push({ name, error: String(error) });
    }
  }
  const done = rows.filter((row) => "verdict" in row);
  const failed = rows.filter((row) => "error" in row);
  return {
    title: `Real applications: keep profile ${bench.keep}, default probe only`,
    text: [
      table(
        ["application", "installed", "fat MB", "slim MB", "ratio", "verdict", "check", "steps", "job s", "check s"],
        done.map(cellsOf),
      ),
      summary(done, rows.length),
      ...failed.map(({ name, error }) => `${name}: FAILED: ${error}`),
      ...done.flatMap(({ name, reason }) => (reason ? [`${name}: ${reason}`] : [])),
      ...done.flatMap(({ name, check }) => (check?.failures ?? []).map((failure) => `${name}: check: ${failure}`)),
    ].join("\n"),
    notes: [
      "check: parts of the functional check that the slim image passed; steps: those carried out, of all. A part ends at its first failed step.",
      "job: the whole job in this process, verification and the bare run included.",
    ],
    data: { keep: bench.keep, rows },
    unmeasured: failed.length,
  };
};

const cellsOf = ({ name, installed, fatBytes, slimBytes, ratio, verdict, repairs, check, jobMs, checkMs }: Row) => [
  name,
  installed,
  megabytes(fatBytes),
  slimBytes === null ? undefined : megabytes(slimBytes),
  ratio?.toFixed(1),
  verdict === "repaired" ? `repaired ${repairs.length}` : (verdict ?? undefined),
  check ? `${check.failedParts === 0 ? "passed" : "FAILED"} ${check.parts - check.failedParts}/${check.parts}` : "none",
  check ? `${check.triedSteps}/${check.steps}` : undefined,
  seconds(jobMs),
  seconds(checkMs),
];

async function measureReal(name: string, bench: Bench): Promise<Row> {
  const sample = sampleNamed(name, realDir);
  requireNoProbes(sample);
  const image = await buildSample(name, bench.docker, buildSettings(process.env), realDir);
  const tag = `winnow-bench-real-${name}:slim`;
  try {
    const request = { image, scenarios: sample.scenarios, run: sample.run, keep: { profile: bench.keep }, tags: [tag] };
    const { report, wallMs } = await measureJob(request, bench);
    const checkedAt = performance.now();
    const check = report.slim?.tags.length ? await checkParts(sample, tag, bench) : null;
    return {
      name,
      installed: sample.installed ?? "unknown",
      fatBytes: report.fat.rootfsBytes,
      slimBytes: report.slim?.rootfsBytes ?? null,
      ratio: report.ratio,
      verdict: report.verdict,
      reason: report.verdictReason,
      repairs: report.repairs,
      check,
      jobMs: wallMs,
      checkMs: performance.now() - checkedAt,
    };
  } finally {
    await untag(bench, [tag]);
  }
}

/** What a check asks must not be shown to the observation: a scenario may only say how the application is started. */
function requireNoProbes({ name, scenarios }: Sample): void {
  const shown = scenarios.flatMap(({ probes }) => probes);
  if (shown.length > 0) throw new Error(`${name}: a scenario of a real application has no probes of its own`);
}

async function checkParts(sample: Sample, tag: string, { docker }: Bench): Promise<Row["check"]> {
  const { steps: triedSteps, failures } = await checkSample(sample, tag, docker);
  const steps = sample.checks.reduce((sum, check) => sum + check.steps.length, 0);
  return { parts: sample.checks.length, failedParts: failures.length, failures, triedSteps, steps };
}

function summary(rows: readonly Row[], tried: number): string {
  const passed = rows.filter(({ check }) => check?.failedParts === 0);
  const ratios = passed.flatMap(({ ratio }) => ratio ?? []);
  const parts = [`\nfunctional check passed by ${passed.length} of ${tried}`];
  if (ratios.length > 0) parts.push(`median ratio of those ${median(ratios).toFixed(1)}`);
  return parts.join("; ");
}

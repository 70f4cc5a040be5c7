import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { projectRoot } from "#api/root.ts";
import { formatBytes, formatDuration, formatRatio, formatTable } from "#cli/format.ts";
import { openState } from "#cli/state.ts";
import { probeFileOf } from "./bench/probe-file.ts";
import { runCli } from "./bench/run-cli.ts";
import { buildSample, buildSettings, sampleNamed } from "./images/build.ts";
import { checkSample } from "./images/check.ts";

/** Slims the Node sample with the real command line, every endpoint probed, and checks the result by other means. */
async function main(): Promise<void> {
  const docker = new Docker();
  const sample = sampleNamed("node-express");
  const image = await buildSample(sample.name, docker, buildSettings(process.env));
  const [scenario] = sample.scenarios;
  if (!scenario || sample.scenarios.length > 1) throw new Error("the demo's sample has one scenario");

  const statePath = join(projectRoot(), ".cache", "demo");
  mkdirSync(statePath, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), "winnow-demo-"));
  try {
    const probes = join(work, "probes.json");
    writeFileSync(probes, probeFileOf(scenario));
    say(`winnow slim ${image} --http-probe-cmd-file probes.json   (${scenario.probes.length} requests)`);
    const { exitCode, report } = await runCli(
      ["slim", image, "--http-probe-cmd-file", probes, "--state-path", statePath],
      "inherit",
    );
    if (!report) {
      process.exitCode = exitCode || 1;
      return;
    }
    const { fat, slim, verdict, verdictReason, ratio } = report;
    const tag = slim?.tags[0];
    const rows = [
      ["before", `${formatBytes(fat.rootfsBytes)} in ${fat.files} files`],
      ["after", slim ? `${formatBytes(slim.rootfsBytes)} in ${slim.files} files` : "no image"],
      ["ratio", ratio === null || verdict === null ? "none" : formatRatio(ratio, verdict)],
      ["verdict", verdictReason ? `${verdict}: ${verdictReason}` : `${verdict}`],
      ["stages", report.stages.map(({ stage, durationMs }) => `${stage} ${formatDuration(durationMs)}`).join(", ")],
      ["total", formatDuration(report.job.finishedAt - report.job.startedAt)],
    ];
    let failures: string[] = [];
    if (tag) {
      say(`\nfunctional check of ${tag}, by published port, with nothing of Winnow's in it`);
      const check = await checkSample(sample, tag, docker);
      failures = check.failures;
      rows.push(["check", checkLine(check)]);
    }
    const artifacts = openState(statePath);
    rows.push(
      ["image", tag ?? "not published"],
      ["report", join(artifacts.artifactsPath(report.job.id, 1), "report.json")],
      ["artifacts", artifacts.artifactsPath(report.job.id, 1)],
    );
    artifacts.db.close();
    say(`\n${formatTable(rows.map(([name = "", ...cells]) => [`  ${name.padEnd(9)}`, ...cells]))}`);
    for (const failure of failures) say(`  failed     ${failure}`);
    process.exitCode = exitCode || (tag && failures.length === 0 ? 0 : 1);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A check stops at its first failed step, so what failed is counted among the steps that were tried. */
function checkLine({ ok, steps, failures }: { ok: boolean; steps: number; failures: string[] }): string {
  return `${ok ? "passed" : "FAILED"} ${steps - failures.length}/${steps}`;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

await main();

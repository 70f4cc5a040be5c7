import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Verdict } from "#contract/report.ts";
import { buildSample, buildSettings, sampleNamed, sampleNames } from "../images/build.ts";
import { checkSample } from "../images/check.ts";
import type { Sample } from "../images/sample.ts";
import { type Bench, type Group, measureJob, rootfsOf, stageTimes, untag } from "./bench.ts";
import { fileBound, runsOf } from "./bound.ts";
import { probeFileOf } from "./probe-file.ts";
import { runCli } from "./run-cli.ts";
import { type Goal, median, megabytes, seconds, spread, table, verdictOf } from "./table.ts";

const maxOfBound = 1.02;
const cliSample = "node-express";
const exact = { profile: "exact" } as const;

/**
 * What docker-slim 1.40.11 takes for images like ours with every endpoint given, seconds: two cores, idle, the same engine
 * version, the smaller of two runs. It starts nothing of what it built. The goal is a third of it.
 */
const peerSeconds: Readonly<Record<string, number>> = {
  "node-express": 18.1,
  "node-user": 17.3,
  "python-flask": 15.1,
  "python-fastapi": 15.8,
  "python-django": 18.2,
  "ruby-sinatra": 15.0,
  java: 20.8,
  php: 18.3,
  "php-apache": 18.4,
  "go-static": 12.8,
  nginx: 15.8,
  "shell-entrypoint": 14.7,
  "busybox-static": 12.1,
  redis: 5.1,
  postgres: 19.0,
  "cli-tool": 9.8,
  setuid: 8.5,
  filecap: 14.1,
};

type Row = {
  name: string;
  fatBytes: number;
  slimBytes: number | null;
  boundBytes: number;
  ratio: number | null;
  ofBound: number | null;
  verdict: Verdict | null;
  reason: string | null;
  repairs: number;
  check: { passed: number; steps: number; failures: string[] } | null;
  wallMs: number[];
  stages: Record<string, number>[];
  goals: Goal[];
};
type Failure = { name: string; error: string };

/** Every sample image as a whole job with all its scenarios, and its functional check on what came of it. */
export const samples: Group = async (bench) => {
  const names = bench.samples.length > 0 ? bench.samples : sampleNames();
  const rows: (Row | Failure)[] = [];
  for (const name of names) {
    bench.say(`samples: ${name}`);
    try {
      rows.push(await measureSample(name, bench));
    } catch (error) {
      bench.signal.throwIfAborted();
      rows.push({ name, error: String(error) });
    }
  }
  const cli = names.includes(cliSample)
    ? await measureCli(bench).catch((error: unknown) => ({
        wallMs: Number.NaN,
        exitCode: 1,
        verdict: `FAILED: ${error}`,
      }))
    : undefined;
  const done = rows.filter((row) => "goals" in row);
  const failed = rows.filter((row) => "error" in row);
  return {
    title: "Samples: keep profile exact, every endpoint probed",
    text: [
      table(
        ["image", "fat MB", "slim MB", "ratio", "verdict", "check", "of bound", "wall s", "peer s", "goals"],
        done.map((row) => [
          row.name,
          megabytes(row.fatBytes),
          row.slimBytes === null ? undefined : megabytes(row.slimBytes),
          row.ratio?.toFixed(1),
          row.verdict === "repaired" ? `repaired ${row.repairs}` : (row.verdict ?? undefined),
          row.check ? `${row.check.passed}/${row.check.steps}` : "none",
          row.ofBound?.toFixed(3),
          spread(
            row.wallMs.map((ms) => ms / 1000),
            1,
          ),
          peerSeconds[row.name]?.toFixed(1),
          verdictOf(row.goals),
        ]),
      ),
      summary(done, rows.length),
      stageTable(done),
      ...failed.map(({ name, error }) => `${name}: FAILED: ${error}`),
      ...done.flatMap(({ name, reason }) => (reason ? [`${name}: ${reason}`] : [])),
      ...done.flatMap(({ name, check }) => (check?.failures ?? []).map((failure) => `${name}: check: ${failure}`)),
      ...(cli
        ? [`command line, ${cliSample}, from start to exit of the process: ${seconds(cli.wallMs)} s, ${cli.verdict}`]
        : []),
    ].join("\n"),
    notes: [
      "wall: the whole job in this process, verification and the bare run included; artifacts stay in memory.",
      `of bound: slim bytes / bytes of the files that were read or executed. Goal <= ${maxOfBound}. The list of those files is the sensor's own record: what the sensor does not see is missing on both sides. Files that were opened to write are not in it.`,
      "check: steps of the sample's functional check that the slim image passed, by a published port, started by the engine alone. Goal: all.",
      "peer: docker-slim 1.40.11 on images like these, which verifies nothing. Goal for wall: a third of it.",
    ],
    data: { rows, cli },
    unmeasured: failed.length,
  };
};

async function measureSample(name: string, bench: Bench): Promise<Row> {
  const sample = sampleNamed(name);
  const image = await buildSample(name, bench.docker, buildSettings(process.env));
  const tag = `winnow-bench-${name}:slim`;
  const jobs = [];
  try {
    for (let run = 0; run < bench.repeat; run += 1)
      jobs.push(
        await measureJob({ image, scenarios: sample.scenarios, run: sample.run, tags: [tag], keep: exact }, bench),
      );
    const last = jobs.at(-1);
    if (!last) throw new Error("nothing was measured");
    const { report, events } = last;
    const boundBytes = fileBound(await rootfsOf(image, bench), runsOf(events));
    const check = report.slim?.tags.length ? await functionalCheck(sample, tag, bench) : null;
    const ofBound = report.slim ? report.slim.rootfsBytes / boundBytes : null;
    const wallMs = jobs.map((job) => job.wallMs);
    const peer = peerSeconds[name];
    return {
      name,
      fatBytes: report.fat.rootfsBytes,
      slimBytes: report.slim?.rootfsBytes ?? null,
      boundBytes,
      ratio: report.ratio,
      ofBound,
      verdict: report.verdict,
      reason: report.verdictReason,
      repairs: report.repairs.length,
      check,
      wallMs,
      stages: jobs.map((job) => stageTimes(job.report)),
      goals: [
        { name: "check", isMet: check !== null && check.failures.length === 0 },
        { name: "size", isMet: ofBound === null ? undefined : ofBound <= maxOfBound },
        { name: "time", isMet: peer === undefined ? undefined : median(wallMs) / 1000 <= peer / 3 },
      ],
    };
  } finally {
    await untag(bench, [tag]);
  }
}

async function functionalCheck(sample: Sample, tag: string, { docker }: Bench): Promise<Row["check"]> {
  const { steps, failures } = await checkSample(sample, tag, docker);
  // A check stops at its first failed step, so each failure is one of the steps that were tried.
  return { passed: steps - failures.length, steps, failures };
}

function summary(rows: readonly Row[], tried: number): string {
  const passed = rows.filter(({ check }) => check && check.failures.length === 0).length;
  if (rows.length === 0) return "";
  const bounds = rows.flatMap(({ ofBound }) => ofBound ?? []);
  const within = bounds.filter((ofBound) => ofBound <= maxOfBound).length;
  return [
    `\ncheck passed by ${passed} of ${tried}`,
    `within ${maxOfBound} of the bound ${within} of ${tried}, median ${median(bounds).toFixed(3)}`,
    `median wall ${seconds(median(rows.flatMap(({ wallMs }) => wallMs)))} s`,
  ].join("; ");
}

function stageTable(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap(({ stages }) => stages.flatMap((times) => Object.keys(times))))];
  return `\n${table(
    ["stage ms", ...names],
    rows.map(({ name, stages }) => [
      name,
      ...names.map((stage) => {
        const times = stages.flatMap((each) => each[stage] ?? []);
        return times.length > 0 ? Math.round(median(times)) : undefined;
      }),
    ]),
  )}\n`;
}

/** The same job as a user runs it: a process of its own, flags, state on disk. */
async function measureCli(bench: Bench): Promise<{ wallMs: number; verdict: string; exitCode: number }> {
  const [scenario] = sampleNamed(cliSample).scenarios;
  if (!scenario) throw new Error(`${cliSample} has no scenario`);
  const directory = mkdtempSync(join(tmpdir(), "winnow-bench-cli-"));
  const tag = `winnow-bench-${cliSample}:cli`;
  try {
    const probes = join(directory, "probes.json");
    writeFileSync(probes, probeFileOf(scenario));
    bench.say(`samples: ${cliSample} by the command line`);
    const image = await buildSample(cliSample, bench.docker, buildSettings(process.env));
    const flags = ["--http-probe-cmd-file", probes, "--state-path", join(directory, "state"), "--tag", tag];
    const { wallMs, report, exitCode } = await runCli(["slim", image, "--keep", "exact", ...flags], "ignore");
    return { wallMs, exitCode, verdict: report?.verdict ?? `no verdict, exit code ${exitCode}` };
  } finally {
    await untag(bench, [tag]);
    rmSync(directory, { recursive: true, force: true });
  }
}

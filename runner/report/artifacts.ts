import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import type { Report } from "#contract/report.ts";
import type { RunnerDeps, StoredArtifact } from "../deps.ts";
import { reversedDockerfile } from "../image/dockerfile.ts";
import type { ScenarioRun } from "../observation.ts";
import { apparmorProfile } from "../profiles/apparmor.ts";
import { seccompProfile } from "../profiles/seccomp.ts";
import { exclusion } from "../rules/exclude.ts";
import { exerciseFile } from "./exercise-file.ts";
import { filesList } from "./files-list.ts";
import { type GraphInput, graphDocument } from "./graph.ts";
import type { Outcome } from "./outcome.ts";
import { syscallNames } from "./report.ts";
import { sharesOf } from "./shares.ts";

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** The raw records of all runs of one image, each run under a line `# run SCENARIO`. */
function* eventLines(runs: readonly ScenarioRun[]): Generator<Buffer> {
  for (const run of runs) {
    for (const events of run.rawEvents) {
      yield Buffer.from(`# ${run.scenario}\n`);
      yield events;
    }
  }
}

const output = (runs: readonly ScenarioRun[]): Buffer =>
  Buffer.concat(runs.flatMap((run) => [Buffer.from(`# ${run.scenario}\n`), run.output, Buffer.from("\n")]));

/** What a finished job stores, by name (docs/artifacts.md). */
function contents(outcome: Outcome): [name: string, content: Readable | Buffer | string][] {
  const { request, source, index, owners, selection, observed, slimRuns, verification } = outcome;
  const excludedBy = exclusion(index.rootfs, request.keep.excludePatterns);
  const seen = {
    files: observed.runs.flatMap((run) => run.sensor).flatMap((sensor) => sensor.files),
    sockets: observed.runs.flatMap((run) => run.sensor).flatMap((sensor) => sensor.sockets),
    syscalls: syscallNames(observed.runs),
  };
  const found = observed.runs.flatMap((run) => run.discovered);
  return [
    ["files.jsonl", Readable.from(filesList(index.rootfs, selection.kept, { owners, excludedBy }))],
    ["graph.json", Readable.from(graphDocument(graphInput(outcome)))],
    ["events.txt.gz", Readable.from(eventLines(observed.runs)).pipe(createGzip())],
    ...(found.length > 0 ? [["exercise.json", json(exerciseFile(found))] satisfies [string, string]] : []),
    ["fat.log", output(observed.runs)],
    ...(slimRuns.length > 0 ? [["slim.log", output(slimRuns)] satisfies [string, Buffer]] : []),
    ...(verification ? [["verification.json", json(verification)] satisfies [string, string]] : []),
    [
      "seccomp.json",
      json(
        seccompProfile({ syscalls: seen.syscalls, architecture: source.architecture === "arm64" ? "arm64" : "amd64" }),
      ),
    ],
    ["apparmor.profile", apparmorProfile({ image: source.reference, seen })],
    ["Dockerfile.reversed", reversedDockerfile(source)],
  ];
}

const graphInput = ({ index, owners, selection, observed }: Outcome): GraphInput => ({
  rootfs: index.rootfs,
  kept: selection.kept,
  runs: observed.runs.flatMap(({ scenario, sensor }) => sensor.map((run) => ({ scenario, run }))),
  owners,
  shares: sharesOf(index.rootfs, selection.kept, owners),
});

/** Stores every artifact, the report last, and returns the report with the list of them. */
export async function storeArtifacts(
  outcome: Outcome,
  report: Report,
  { artifacts }: Pick<RunnerDeps, "artifacts">,
): Promise<Report> {
  const stored: StoredArtifact[] = [];
  for (const [name, content] of contents(outcome)) stored.push(await artifacts.put(name, content));
  const whole = { ...report, artifacts: stored };
  await artifacts.put("report.json", json(whole));
  return whole;
}

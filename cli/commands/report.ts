import { once } from "node:events";
import { type Readable, Writable } from "node:stream";
import { findJob, jobNotFound } from "#api/db/find-job.ts";
import { FileLine } from "#contract/graph.ts";
import { explain, hopsOf } from "#runner/report/explain.ts";
import { openArtifact } from "../artifact.ts";
import { breakdown } from "../breakdown.ts";
import { escapeControl } from "../escape.ts";
import { formatBytes, formatTable } from "../format.ts";
import { linesOf } from "../lines.ts";
import { type LocalResult, readBack } from "../local-job.ts";
import { isStateEmpty, openState, type State } from "../state.ts";
import { describeError, errorDocument, summarise } from "../summary.ts";
import type { World } from "../world.ts";

export type ReportOptions = { statePath: string; json: boolean; files?: "kept" | "removed" };

/** `winnow report JOB`: a finished job as its report tells it, or its list of files. Exit code 0 when it could be shown. */
export async function showReport(
  jobText: string,
  world: World,
  { statePath, json, files }: ReportOptions,
): Promise<number> {
  if (isStateEmpty(statePath)) throw jobNotFound(jobText);
  const state = openState(statePath);
  try {
    const jobId = findJob(state.db, jobText);
    if (files)
      await showFiles(await openArtifact(state, jobId, "files.jsonl"), world, { json, isKept: files === "kept" });
    else print(state, await readBack(state, jobId), world, json);
    return 0;
  } finally {
    state.db.close();
  }
}

function print(state: State, result: LocalResult, { stdout }: World, json: boolean): void {
  const { job, report, error, artifacts } = result;
  if (json) {
    const { request: _request, events: _events, ...summary } = job;
    stdout.write(
      `${JSON.stringify(report ?? { job: summary, artifacts, ...(error && errorDocument(error)) }, null, 2)}\n`,
    );
    return;
  }
  const artifactsPath = state.artifactsPath(job.id, job.attempt);
  const head = [
    ["job", `${job.id} (${job.kind})`],
    ["state", job.state],
  ];
  if (!report) head.push(["image", escapeControl(job.image)], ["artifacts", artifactsPath]);
  stdout.write(`${formatTable(head.map(([name = "", text = ""]) => [`  ${name.padEnd(9)}`, text]))}\n`);
  if (report) stdout.write(`${summarise({ report, jobId: job.id, artifactsPath })}\n${breakdown(report)}`);
  const stored = artifacts.map(({ name, bytes }) => [`    ${name}`, formatBytes(bytes)]);
  if (stored.length > 0) stdout.write(`  stored\n${formatTable(stored)}\n`);
  if (error) stdout.write(`${describeError(error)}\n`);
}

/** Line by line: an image can have a million files. With `json` the lines as they were stored. */
export async function showFiles(
  lines: Readable,
  { stdout }: Pick<World, "stdout">,
  { json, isKept }: { json: boolean; isKept: boolean },
): Promise<void> {
  for await (const line of linesOf(lines)) {
    const file = FileLine.parse(JSON.parse(line));
    if (file.kept !== isKept) continue;
    const more = stdout.write(`${json ? line : toText(file)}\n`);
    if (more === false && stdout instanceof Writable) await once(stdout, "drain");
  }
}

function toText({ path, size, owner, kept, reasons }: FileLine): string {
  const told = kept ? explain(path, hopsOf(reasons)) : `${path}  (${owner ?? "no package"})`;
  return `${formatBytes(size).padStart(9)}  ${escapeControl(told)}`;
}

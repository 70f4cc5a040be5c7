import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { isOver } from "#api/db/state-of.ts";
import { WinnowError } from "#contract/error.ts";
import { Report } from "#contract/report.ts";
import { JobView, type Submission, Submitted } from "#contract/service/job-view.ts";
import type { Client } from "../client.ts";
import { escapeControl } from "../escape.ts";
import { exitCodeOf } from "../exit-code.ts";
import { findServerJob, patiently, waitForJob } from "../follow-job.ts";
import { formatTable } from "../format.ts";
import { describeError, errorDocument, summarise } from "../summary.ts";
import type { World } from "../world.ts";
import { showFiles } from "./report.ts";

/** As of `timeout(1)`: the job goes on, only the waiting has ended. */
const timedOut = 124;

export type Shown = { json: boolean };
export type WaitOptions = Shown & { timeoutMs?: number };
/** What `submit` sends: the request as the command line made it, which the server completes and checks. */
export type Asked = { [Key in keyof Submission]?: Submission[Key] } & Pick<Submission, "request">;

/** `winnow submit IMAGE`: queues a job, and waits for its end when that is asked for. */
export async function submit(
  submission: Asked,
  {
    client,
    world,
    wait,
    json,
    key = randomUUID(),
  }: Shown & { client: Client; world: World; wait?: WaitOptions; key?: string },
): Promise<number> {
  const headers = { "idempotency-key": key };
  const { job, isNew } = await client.ask("/jobs", Submitted, { method: "POST", body: submission, headers });
  if (wait) return await waitFor(job.id, { client, world, ...wait });
  if (json) world.stdout.write(`${JSON.stringify({ job, isNew }, null, 2)}\n`);
  else {
    const why = job.cachedFrom ? ` (answered by ${job.cachedFrom})` : isNew ? "" : " (the same work was there already)";
    world.stdout.write(`${job.id} ${job.state}${why}\n`);
  }
  return 0;
}

/** `winnow wait JOB`: ends with the job, and with the exit code that `winnow slim` would have had; 124 when that took too long. */
export async function waitFor(
  text: string,
  { client, world, json, timeoutMs }: WaitOptions & { client: Client; world: World },
): Promise<number> {
  const id = await findServerJob(client, text);
  const tell = (line: string) => void world.stderr.write(`${escapeControl(line)}\n`);
  const job = await waitForJob(client, id, { timeoutMs, tell });
  if (!job) {
    world.stderr.write(
      `${id} goes on: wait again with \`winnow wait ${id}\`, or end it with \`winnow cancel ${id}\`\n`,
    );
    return timedOut;
  }
  const report = await patiently(() => reportOf(client, job), tell);
  printEnd(job, report, { client, world, json });
  return exitCodeOf({ report, error: errorOf(job) });
}

/** `winnow report JOB --server`: what came of a job, as far as it got, or its list of files. Gives 0 when it could be shown. */
export async function showServerReport(
  text: string,
  { client, world, json, files }: Shown & { client: Client; world: World; files?: "kept" | "removed" },
): Promise<number> {
  const id = await findServerJob(client, text);
  if (files) {
    const lines = Readable.fromWeb(await client.open(`/jobs/${id}/artifacts/files.jsonl`));
    await showFiles(lines, world, { json, isKept: files === "kept" });
    return 0;
  }
  const job = await client.ask(`/jobs/${id}`, JobView);
  printEnd(job, await reportOf(client, job), { client, world, json });
  return 0;
}

/** `winnow cancel JOB`, `winnow finish JOB`. */
export async function act(
  action: "cancel" | "finish-observation",
  text: string,
  { client, world, json }: Shown & { client: Client; world: World },
): Promise<number> {
  const id = await findServerJob(client, text);
  const job = await client.ask(`/jobs/${id}/${action}`, JobView, { method: "POST" });
  world.stdout.write(json ? `${JSON.stringify(job, null, 2)}\n` : `${job.id} ${job.state}\n`);
  return 0;
}

/** `winnow retry JOB`: due at once, or submitted anew when it has ended. */
export async function retry(
  text: string,
  { client, world, json }: Shown & { client: Client; world: World },
): Promise<number> {
  const id = await findServerJob(client, text);
  const headers = { "idempotency-key": randomUUID() };
  const answer = await client.ask(`/jobs/${id}/retry`, Submitted, { method: "POST", headers });
  world.stdout.write(json ? `${JSON.stringify(answer, null, 2)}\n` : `${answer.job.id} ${answer.job.state}\n`);
  return 0;
}

async function reportOf(client: Client, job: JobView): Promise<Report | null> {
  if (!isOver(job.state)) return null;
  try {
    return await client.ask(`/jobs/${job.id}/report`, Report);
  } catch (thrown) {
    if (thrown instanceof WinnowError && thrown.code === "report.not-found") return null;
    throw thrown;
  }
}

/** Why the job has no good end; for one that was canceled or expired the state itself says it. */
function errorOf({ id, state, error }: JobView): WinnowError | null {
  if (error) return new WinnowError(error.code, error.message, error.hint);
  if (state === "canceled") return new WinnowError("job.canceled", `${id} was canceled.`, "");
  if (state === "expired") return new WinnowError("job.expired", `${id} waited too long for a runner.`, "");
  return null;
}

function printEnd(
  job: JobView,
  report: Report | null,
  { client, world: { stdout, stderr }, json }: Shown & { client: Client; world: World },
): void {
  const error = errorOf(job);
  if (json) {
    stdout.write(`${JSON.stringify(report ?? { job, ...(error && errorDocument(error)) }, null, 2)}\n`);
    return;
  }
  const rows = [
    ["job", `${job.id} (${job.kind})`],
    ["state", `${job.state}${job.cachedFrom ? `, answered by ${job.cachedFrom}` : ""}`],
    ...(report ? [] : [["image", escapeControl(job.image)]]),
    ...(job.runner ? [["runner", escapeControl(job.runner.name)]] : []),
  ];
  stdout.write(`${formatTable(rows.map(([name = "", text = ""]) => [`  ${name.padEnd(9)}`, text]))}\n`);
  const artifactsPath = `${client.url}/api/v1/jobs/${job.id}/artifacts`;
  if (report) stdout.write(`${summarise({ report, jobId: `${job.id} --server`, artifactsPath })}\n`);
  if (error) stderr.write(`${describeError(error)}\n`);
}

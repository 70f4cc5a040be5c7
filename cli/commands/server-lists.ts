import { WinnowError } from "#contract/error.ts";
import { JobList, type JobSummary } from "#contract/service/job-view.ts";
import { RunnerList, RunnerView } from "#contract/service/runner-view.ts";
import type { Client } from "../client.ts";
import { escapeControl } from "../escape.ts";
import { formatAge, formatBytes, formatTable } from "../format.ts";
import type { World } from "../world.ts";
import { jobsTable } from "./jobs.ts";

type Around = { client: Client; world: World; json: boolean };

const pageSize = 200;

/** `winnow jobs --server`: the jobs of the server, newest first. */
export async function showServerJobs({ client, world, json, limit }: Around & { limit: number }): Promise<number> {
  const jobs: JobSummary[] = [];
  for (let cursor: string | null = ""; cursor !== null && jobs.length < limit; ) {
    const size = Math.min(pageSize, limit - jobs.length);
    const page: JobList = await client.ask(
      `/jobs?limit=${size}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
      JobList,
    );
    jobs.push(...page.jobs);
    cursor = page.next;
  }
  if (json) world.stdout.write(`${JSON.stringify({ jobs }, null, 2)}\n`);
  else if (jobs.length === 0) world.stdout.write("No jobs yet. Submit one with `winnow submit IMAGE`.\n");
  else world.stdout.write(`${jobsTable(jobs, world.now())}\n`);
  return 0;
}

/** `winnow runners list`. */
export async function showRunners({ client, world, json }: Around): Promise<number> {
  const { runners } = await client.ask("/runners", RunnerList);
  if (json) world.stdout.write(`${JSON.stringify({ runners }, null, 2)}\n`);
  else if (runners.length === 0) world.stdout.write("No runners yet. Start one with `winnow runner`.\n");
  else world.stdout.write(`${runnersTable(runners, world.now())}\n`);
  return 0;
}

/** `winnow runners drain RUNNER`: by name or id. */
export async function drainRunner(text: string, { client, world, json }: Around): Promise<number> {
  const { id } = await findRunner(client, text);
  const runner = await client.ask(`/runners/${id}/drain`, RunnerView, { method: "POST" });
  world.stdout.write(json ? `${JSON.stringify(runner, null, 2)}\n` : `${runner.id} ${runner.state}\n`);
  return 0;
}

/** `winnow runners remove RUNNER`: its token is void from then on. */
export async function removeRunner(
  text: string,
  { client, world, isForced }: Around & { isForced: boolean },
): Promise<number> {
  const { id } = await findRunner(client, text);
  await client.tell(`/runners/${id}${isForced ? "?force=1" : ""}`, { method: "DELETE" });
  world.stdout.write(`${id} removed\n`);
  return 0;
}

async function findRunner(client: Client, text: string): Promise<RunnerView> {
  const { runners } = await client.ask("/runners", RunnerList);
  const [only, ...others] = runners.filter(({ id, name }) => id === text || name === text);
  if (only && others.length === 0) return only;
  throw new WinnowError(
    "runner.not-found",
    only ? `Several runners are called ${JSON.stringify(text)}.` : `There is no runner ${JSON.stringify(text)}.`,
    "Give its id: `winnow runners list` shows them.",
  );
}

function runnersTable(runners: RunnerView[], now: number): string {
  const head = ["RUNNER", "NAME", "STATE", "JOBS", "LABELS", "ENGINE", "DISK FREE", "SEEN", "VERSION"];
  const row = (one: RunnerView) => [
    one.id,
    one.name,
    one.paused ? `${one.state} (${escapeControl(one.paused)})` : one.state,
    `${one.jobs.length}/${one.slots}`,
    escapeControl(
      Object.entries(one.labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(","),
    ) || "-",
    escapeControl(`${one.engine.version} ${one.engine.architectures.join("+")}`),
    one.diskFreeBytes === null ? "-" : formatBytes(one.diskFreeBytes),
    formatAge(now - one.lastSeenAt),
    escapeControl(one.version),
  ];
  return formatTable([head, ...runners.map(row)]);
}

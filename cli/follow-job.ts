import { setTimeout as delay } from "node:timers/promises";
import { isOver } from "#api/db/state-of.ts";
import { WinnowError } from "#contract/error.ts";
import { JobList, JobView } from "#contract/service/job-view.ts";
import { type Client, isPassing } from "./client.ts";

/** How often a job is looked at, and how long a server that is away is waited for (a deploy takes less), ms. */
const lookMs = 500;
const awayMs = 300_000;

/** A job by its id, the beginning or end of it, or `latest`. Throws `job.not-found` when none or several of the newest 200 fit. */
export async function findServerJob(client: Client, text: string): Promise<string> {
  if (/^job_[0-9a-z]{16}$/.test(text)) return text;
  const { jobs } = await client.ask(`/jobs?limit=${text === "latest" ? 1 : 200}`, JobList);
  const part = text.toLowerCase().replace(/^job_/, "");
  const fitting = jobs.filter(({ id }) => text === "latest" || id.startsWith(`job_${part}`) || id.endsWith(part));
  const [only, ...others] = fitting;
  if (only && others.length === 0) return only.id;
  throw new WinnowError(
    "job.not-found",
    only
      ? `Several jobs fit ${JSON.stringify(text)}.`
      : `There is no job ${JSON.stringify(text)} among the newest of the server.`,
    "List the jobs with `winnow jobs --server`.",
  );
}

export const readServerJob = (client: Client, id: string): Promise<JobView> => client.ask(`/jobs/${id}`, JobView);

export type Waiting = {
  /** Undefined: for ever. */
  timeoutMs?: number;
  /** Called with what is new to tell: a state, a stage, why it waits. */
  tell(line: string): void;
};

/** The job once it is over; undefined when that took too long. Throws what the server says, but not that it is away for a while. */
export async function waitForJob(
  client: Client,
  id: string,
  { timeoutMs, tell }: Waiting,
): Promise<JobView | undefined> {
  const begun = performance.now();
  let told = "";
  for (;;) {
    const job = await patiently(() => readServerJob(client, id), tell);
    const line = describe(job);
    if (line !== told) tell(line);
    told = line;
    if (isOver(job.state)) return job;
    if (timeoutMs !== undefined && performance.now() - begun >= timeoutMs) return undefined;
    await delay(Math.min(lookMs, timeoutMs ?? lookMs));
  }
}

function describe({ id, state, stage, waitReason, runner }: JobView): string {
  if (state === "queued") return `${id} queued${waitReason ? `: ${waitReason.text}` : ""}`;
  return `${id} ${state}${state === "running" && runner ? ` on ${runner.name}${stage ? `: ${stage}` : ""}` : ""}`;
}

/** Tries again what may do better in a moment. */
export async function patiently<T>(call: () => Promise<T>, tell: (line: string) => void): Promise<T> {
  const begun = performance.now();
  for (let tries = 0; ; tries++) {
    try {
      return await call();
    } catch (thrown) {
      if (!isPassing(thrown) || performance.now() - begun > awayMs) throw thrown;
      if (tries === 0) tell(thrown instanceof Error ? `${thrown.message} It is tried again.` : "");
      await delay(Math.min(1000 * 2 ** tries, 10_000));
    }
  }
}

import type { InferSelectModel } from "drizzle-orm";
import type { Db } from "#api/db/open.ts";
import { artifacts, attempts, events, jobs } from "#api/db/schema.ts";
import type { JobState } from "#contract/job.ts";

type Job = InferSelectModel<typeof jobs>;
type Attempt = InferSelectModel<typeof attempts>;
type Event = InferSelectModel<typeof events>;

/** All that a database tells of one job, in order. */
export type History = {
  job: Job;
  attempts: readonly Attempt[];
  events: readonly Event[];
  artifacts: readonly { attempt: number; name: string }[];
};

/** Which state may follow which (docs/service.md): the states that nothing follows are final. */
export const moves: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ["running", "canceled", "expired", "failed"], // failed: a request that nobody can read
  running: ["queued", "canceling", "succeeded", "failed", "canceled"],
  canceling: ["canceled", "succeeded"], // the work was done before the runner heard of it
  succeeded: [],
  failed: [],
  canceled: [],
  skipped: [],
  expired: [],
};

/** The histories of all jobs. */
export function readHistories(db: Db): History[] {
  const tried = byJob(db.select().from(attempts).orderBy(attempts.number).all());
  const told = byJob(db.select().from(events).orderBy(events.seq).all());
  const stored = byJob(db.select().from(artifacts).all());
  const all = db.select().from(jobs).orderBy(jobs.seq).all();
  return all.map((job) => ({
    job,
    attempts: tried.get(job.id) ?? [],
    events: told.get(job.id) ?? [],
    artifacts: stored.get(job.id) ?? [],
  }));
}

function byJob<Row extends { jobId: string }>(rows: readonly Row[]): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const same = found.get(row.jobId);
    if (same) same.push(row);
    else found.set(row.jobId, [row]);
  }
  return found;
}

/** What of a job's history cannot have happened, in words; nothing when all of it can. */
export function historyFaults(history: History): string[] {
  const faults = [...moveFaults(history), ...attemptFaults(history), ...endFaults(history)];
  return faults.map((fault) => `${history.job.id}: ${fault}`);
}

/** The states as the events tell them: each move is one that there is, attempts count up, and nobody else tells of a stage. */
function moveFaults({ job, events }: History): string[] {
  const faults: string[] = [];
  let state: JobState | undefined;
  let attempt = 0;
  for (const event of events) {
    if (event.kind !== "state") {
      const isOfAttempt = (state === "running" || state === "canceling") && event.attempt === attempt;
      if (event.kind === "stage" && !isOfAttempt)
        faults.push(`attempt ${event.attempt} tells of a stage when the job is ${state} in attempt ${attempt}`);
      continue;
    }
    const next = event.detail.state as JobState; // the table's own word; an unknown one is no move below
    const isLegal = state === undefined ? next === "queued" || job.cachedFrom !== null : moves[state].includes(next);
    if (!isLegal) faults.push(`${state ?? "nothing"} became ${next}`);
    if (next === "running") {
      attempt++;
      if (event.attempt !== attempt) faults.push(`attempt ${event.attempt} was claimed as number ${attempt}`);
    } else if (event.attempt !== null && event.attempt !== attempt)
      faults.push(`attempt ${event.attempt} made it ${next} when attempt ${attempt} was at work`);
    state = next;
  }
  if (state !== job.state) faults.push(`it is ${job.state}, and its events end with ${state}`);
  if (attempt !== job.attempt) faults.push(`it counts ${job.attempt} attempts, and its events ${attempt}`);
  return faults;
}

function attemptFaults({ job, attempts }: History): string[] {
  const faults: string[] = [];
  const last = attempts.at(-1);
  if (attempts.some(({ number }, index) => number !== index + 1)) faults.push("a number of an attempt is missing");
  if (attempts.length !== job.attempt) faults.push(`${attempts.length} attempts are there of ${job.attempt}`);
  if (attempts.some(({ lease }, index) => lease <= (attempts[index - 1]?.lease ?? 0))) faults.push("a lease fell");
  const atWork = attempts.filter(({ state }) => state === "claimed" || state === "running");
  if (atWork.some((one) => one !== last)) faults.push("an attempt is at work beside a later one");
  if (atWork.length > 0 && !isAtWork(job)) faults.push(`it is ${job.state} with an attempt at work`);
  if (isAtWork(job) && atWork.length === 0) faults.push(`it is ${job.state}, and nobody works on it`);
  if (attempts.slice(0, -1).some(({ state }) => state === "succeeded" || state === "canceled"))
    faults.push("it went on after an attempt that ended it");
  if (attempts.some(({ state, finishedAt }) => (state === "claimed" || state === "running") !== (finishedAt === null)))
    faults.push("an attempt has ended without a time, or has a time and has not ended");
  const released = attempts.filter(({ state }) => state === "released").length;
  if (released !== job.uncounted) faults.push(`${job.uncounted} attempts are not counted, and ${released} released`);
  if (job.attempt - job.uncounted > job.maxAttempts) faults.push(`more than ${job.maxAttempts} attempts count`);
  return faults;
}

function endFaults({ job, attempts, artifacts }: History): string[] {
  const faults: string[] = [];
  const last = attempts.at(-1);
  const isFinal = moves[job.state].length === 0;
  if (isFinal !== (job.finishedAt !== null)) faults.push(`it is ${job.state}, and finishedAt is ${job.finishedAt}`);
  if (isAtWork(job) !== (job.leaseExpiresAt !== null)) faults.push(`it is ${job.state}, with or without a lease`);
  if ((job.state === "succeeded") !== (last?.state === "succeeded" || (isFinal && !last && job.cachedFrom !== null)))
    faults.push(`it is ${job.state}, and its last attempt ${last?.state}`);
  const winner = isFinal ? job.attempt : undefined;
  for (const { attempt, name } of artifacts)
    if (attempt !== winner) faults.push(`${name} of attempt ${attempt} is an artifact, and that is not the last`);
  return faults;
}

const isAtWork = ({ state }: Job): boolean => state === "running" || state === "canceling";

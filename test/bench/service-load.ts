import { type ChildProcess, fork } from "node:child_process";
import { once, setMaxListeners } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openDatabase } from "#api/db/open.ts";
import { projectRoot } from "#api/root.ts";
import { Submitted } from "#contract/service/job-view.ts";
import { apiClient } from "../service/api-client.ts";
import { type History, historyFaults, moves, readHistories } from "../service/history.ts";
import { type ServiceProcess, startService } from "../service/service-process.ts";
import type { Sighting } from "../service/simulated-runner.ts";
import { issueTokens } from "../service/tokens.ts";
import { processUse } from "./process-use.ts";
import { atRate, type Calls } from "./saturate.ts";
import type { Crowd, CrowdReport } from "./service-runners.ts";
import { type Viewed, watchJobs } from "./service-viewers.ts";

export type LoadPlan = {
  runners: number;
  ms: number;
  jobsPerSecond: number;
  workMs: [number, number];
  viewers: number;
  /** For node of the server, such as `--cpu-prof`. */
  nodeArguments?: readonly string[];
};

export type Load = {
  submitted: number;
  /** Jobs that were not over a minute after the last one came, and jobs that were started more than once. */
  lost: number;
  doubled: number;
  /** From a claim's answer to that of `start`, from the submission to the claim's answer, and of heartbeats; ms. */
  claimToStart: number[];
  enqueueToClaim: number[];
  beats: number[];
  submits: Calls;
  viewed: Viewed;
  maxRssBytes: number;
  /** Of one core, while jobs came. */
  cpuShare: number;
  faults: string[];
};

const processes = 2;

/** Runners that come, poll and work by waiting, jobs at a steady rate, and people who watch; all on this machine. */
export async function measureLoad(plan: LoadPlan): Promise<Load> {
  const service = await startService({ env: { WINNOW_LOG_LEVEL: "warn" }, nodeArguments: plan.nodeArguments });
  const client = apiClient(service.origin);
  const watching = new AbortController();
  setMaxListeners(0, watching.signal); // one for each viewer
  const crowds: ChildProcess[] = [];
  try {
    const tokens = await issueTokens(client, service.adminToken, { scope: "submit", count: 20 });
    const registrationTokens = await issueTokens(client, service.adminToken, { scope: "runner", count: processes });
    for (const [index, registrationToken] of registrationTokens.entries())
      crowds.push(begin({ ...crowdOf(plan, service), registrationToken, name: `crowd-${index}` }));
    await Promise.all(crowds.map((crowd) => once(crowd, "message"))); // all have joined

    const sentAt = new Map<string, number>();
    let newest: string | undefined;
    const { origin } = service;
    const viewers = watchJobs({ origin, tokens, viewers: plan.viewers }, () => newest, watching.signal);
    const before = processUse(service.pid());
    const submits = await atRate({ perSecond: plan.jobsPerSecond, ms: plan.ms }, async (index) => {
      const at = performance.timeOrigin + performance.now();
      const body = { request: { kind: "info", image: `bench.example/job-${index}:1` } };
      const answer = await client.call({ method: "POST", path: "/jobs", token: tokens[index % 20] ?? "", body });
      if (answer.status === 201) {
        newest = Submitted.parse(answer.content).job.id;
        sentAt.set(newest, at);
      }
      return answer;
    });
    const { maxRssBytes, cpuSeconds } = processUse(service.pid());
    const histories = await untilOver(service, 60_000);
    watching.abort();
    const reports = await Promise.all(crowds.map(end));
    const sightings = reports.flatMap((report) => report.sightings);
    return {
      submitted: sentAt.size,
      lost: sentAt.size - histories.filter(({ job }) => moves[job.state].length === 0 && sentAt.has(job.id)).length,
      doubled: startedTwice(sightings),
      ...waits(sightings, sentAt),
      submits,
      viewed: await viewers,
      maxRssBytes,
      cpuShare: (cpuSeconds - before.cpuSeconds) / submits.seconds,
      faults: [...histories.flatMap(historyFaults), ...reports.flatMap((report) => report.errors)],
    };
  } finally {
    watching.abort();
    for (const crowd of crowds) crowd.kill("SIGKILL");
    client.close();
    await service.remove();
  }
}

const arriveMs = 5_000;

function crowdOf({ runners, workMs }: LoadPlan, { origin }: ServiceProcess): Omit<Crowd, "registrationToken" | "name"> {
  return { origin, runners: runners / processes, workMs, arriveMs };
}

function begin(crowd: Crowd): ChildProcess {
  const script = join(projectRoot(), "test", "bench", "service-runners.ts");
  return fork(script, [JSON.stringify(crowd)], { execArgv: ["--import", "tsx"] });
}

async function end(crowd: ChildProcess): Promise<CrowdReport> {
  const told = once(crowd, "message");
  crowd.send("drain");
  const [report] = await told;
  return report as CrowdReport; // of our own script
}

async function untilOver({ database }: ServiceProcess, ms: number): Promise<History[]> {
  const until = performance.now() + ms;
  for (;;) {
    const db = openDatabase(database, { readonly: true });
    const histories = readHistories(db);
    db.close();
    const isOver = histories.every(({ job }) => moves[job.state].length === 0);
    if (isOver || performance.now() > until) return histories;
    await delay(1_000);
  }
}

function startedTwice(sightings: readonly Sighting[]): number {
  const started = sightings.flatMap((one) => (one.kind === "started" ? [one.jobId] : []));
  return started.length - new Set(started).size;
}

function waits(sightings: readonly Sighting[], sentAt: ReadonlyMap<string, number>) {
  const claimedAt = new Map<string, number>();
  const [claimToStart, enqueueToClaim, beats]: number[][] = [[], [], []];
  for (const one of sightings.toSorted((a, b) => a.at - b.at)) {
    if (one.kind === "beat") beats?.push(one.tookMs);
    else if (one.kind === "claimed") {
      claimedAt.set(`${one.jobId}/${one.attempt}`, one.at);
      enqueueToClaim?.push(one.at - (sentAt.get(one.jobId) ?? Number.NaN));
    } else if (one.kind === "started")
      claimToStart?.push(one.at - (claimedAt.get(`${one.jobId}/${one.attempt}`) ?? Number.NaN));
  }
  return { claimToStart: claimToStart ?? [], enqueueToClaim: enqueueToClaim ?? [], beats: beats ?? [] };
}

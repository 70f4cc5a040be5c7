import { apiClient } from "../service/api-client.ts";
import { startService } from "../service/service-process.ts";
import { issueTokens } from "../service/tokens.ts";
import type { Group, Section } from "./bench.ts";
import { atRate, type Calls, percentile } from "./saturate.ts";
import { type Load, measureLoad } from "./service-load.ts";
import { measureRates, type Rate } from "./service-rates.ts";
import { type Cell, megabytes, table } from "./table.ts";

const claimsGoal = 3_000;
const plan = {
  runners: 1_000,
  ms: 60_000,
  jobsPerSecond: 50,
  workMs: [4_000, 12_000] as [number, number],
  viewers: 200,
};

/** One server process on loopback: what it answers in a second, a burst of submissions, and a thousand runners for a minute. */
export const service: Group = async ({ say }) => {
  say("service: rates");
  const rates = await measureRates({ ms: 5_000 });
  say("service: burst of submissions");
  const burst = await measureBurst();
  say("service: a thousand runners");
  const load = await measureLoad(plan);
  return {
    title: "Service: one server process on loopback, callers and runners on the same machine",
    text: [rateTable(rates), figureTable([...burstRows(burst), ...loadRows(load)])].join("\n\n"),
    notes: [
      `rates: ${rates.length} servers, 16 connections, 5 s each; the callers take as much of the machine as the server`,
      `load: ${plan.runners} runners with one slot, ${plan.jobsPerSecond} jobs/s for ${plan.ms / 1000} s, each ${plan.workMs.map((ms) => ms / 1000).join(" to ")} s of waiting; ${plan.viewers} people watch`,
      ...load.faults.slice(0, 5),
    ],
    data: { rates: rates.map(brief), burst: summary(burst), load: loadData(load) },
    unmeasured: load.faults.length,
  } satisfies Section;
};

/** 500 submissions a second for 10 s, whatever the server does. */
async function measureBurst(): Promise<Calls> {
  const server = await startService({ env: { WINNOW_LOG_LEVEL: "warn" } });
  const client = apiClient(server.origin);
  try {
    const tokens = await issueTokens(client, server.adminToken, { scope: "submit", count: 10 });
    return await atRate({ perSecond: 500, ms: 10_000 }, (index) => {
      const body = { request: { kind: "info", image: `bench.example/job-${index}:1` } };
      return client.call({ method: "POST", path: "/jobs", token: tokens[index % tokens.length] ?? "", body });
    });
  } finally {
    client.close();
    await server.remove();
  }
}

function rateTable(rates: readonly Rate[]): string {
  const rows = rates.map(({ name, perSecond, calls }) => [
    name,
    perSecond.toFixed(0),
    percentile(calls.latencies, 0.5).toFixed(1),
    percentile(calls.latencies, 0.99).toFixed(1),
    name === "claims" ? `${claimsGoal}: ${perSecond >= claimsGoal ? "met" : "NOT MET"}` : "",
  ]);
  return table(["rate", "per s", "p50 ms", "p99 ms", "goal"], rows);
}

type Figure = { name: string; value: string; goal?: string; isMet?: boolean };

function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, goal, isMet }): Cell[] => [
    name,
    value,
    goal === undefined ? "" : `${goal}: ${isMet ? "met" : "NOT MET"}`,
  ]);
  return table(["figure", "measured", "goal"], rows);
}

function burstRows(burst: Calls): Figure[] {
  const p99 = percentile(burst.latencies, 0.99);
  const failed = countFailed(burst);
  return [
    { name: "500 submits/s, p99 ms", value: p99.toFixed(0), goal: "below 200", isMet: p99 < 200 },
    { name: "500 submits/s, not 201", value: String(failed), goal: "0", isMet: failed === 0 },
  ];
}

function loadRows(load: Load): Figure[] {
  const below = (name: string, values: readonly number[], limit: number): Figure[] => {
    const p99 = percentile(values, 0.99);
    const value = `${percentile(values, 0.5).toFixed(1)} / ${p99.toFixed(1)}`;
    return [{ name: `${name}, p50 / p99 ms`, value, goal: `below ${limit}`, isMet: p99 < limit }];
  };
  const none = (name: string, count: number): Figure => ({
    name,
    value: String(count),
    goal: "0",
    isMet: count === 0,
  });
  return [
    { name: "jobs", value: String(load.submitted) },
    none("jobs lost", load.lost),
    none("jobs doubled", load.doubled),
    none("submits refused", countFailed(load.submits)),
    ...below("claim to start", load.claimToStart, 250),
    ...below("enqueue to claim", load.enqueueToClaim, 1_000),
    ...below("heartbeat", load.beats, 100),
    ...below("submit", load.submits.latencies, 200),
    {
      name: "event to viewer, p50 / p99 ms",
      value: [0.5, 0.99].map((share) => percentile(load.viewed.lags, share).toFixed(0)).join(" / "),
    },
    none("viewers refused", load.viewed.refused.length),
    {
      name: "server, largest resident set, MB",
      value: megabytes(load.maxRssBytes),
      goal: "below 300",
      isMet: load.maxRssBytes < 300e6,
    },
    { name: "server, cores", value: load.cpuShare.toFixed(2), goal: "below 1", isMet: load.cpuShare < 1 },
  ];
}

const countFailed = ({ statuses }: Calls): number =>
  Object.entries(statuses).reduce((sum, [status, count]) => sum + (status === "201" ? 0 : count), 0);

const summary = ({ latencies, statuses, seconds }: Calls) => ({
  calls: latencies.length,
  seconds,
  p50Ms: percentile(latencies, 0.5),
  p99Ms: percentile(latencies, 0.99),
  statuses,
});
const brief = ({ name, perSecond, calls }: Rate) => ({ name, perSecond, ...summary(calls) });

function loadData({ submits, viewed, claimToStart, enqueueToClaim, beats, faults, ...figures }: Load) {
  const both = (values: readonly number[]) => ({
    count: values.length,
    p50Ms: percentile(values, 0.5),
    p99Ms: percentile(values, 0.99),
  });
  return {
    plan,
    ...figures,
    submits: summary(submits),
    claimToStart: both(claimToStart),
    enqueueToClaim: both(enqueueToClaim),
    heartbeats: both(beats),
    viewers: { ...both(viewed.lags), refused: viewed.refused.length },
    faults,
  };
}

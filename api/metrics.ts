import { statSync } from "node:fs";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { AppDeps } from "./app-deps.ts";
import { listRunners } from "./db/list-runners.ts";
import { databaseFile, figuresAfter, knownPools, lastEventSeq, queueDepth } from "./db/read-figures.ts";

export type Metrics = {
  /** In the text format of Prometheus. */
  render(): Promise<string>;
  /** An answer to a request, by its route. */
  count(request: { method: string; route: string; status: number; seconds: number }): void;
  countBusy(): void;
};

const secondsOf = (ms: number): number => ms / 1000;

/**
 * The figures of the service since the process began. Nothing counts on the way but requests: what became of jobs is read from their
 * events when somebody asks. No label has a value that an image or a submitter can choose.
 */
export function makeMetrics(deps: AppDeps): Metrics {
  const registry = new Registry();
  const requests = new Histogram({
    name: "winnow_http_request_seconds",
    help: "Requests by route and status.",
    labelNames: ["method", "route", "status"],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [registry],
  });
  const busy = new Counter({
    name: "winnow_db_busy_total",
    help: "Requests that found no turn at the database.",
    registers: [registry],
  });
  const readJobs = jobFigures(deps, registry);
  const readGauges = gauges(deps, registry);
  return {
    async render() {
      readJobs();
      readGauges();
      return await registry.metrics();
    },
    count: ({ method, route, status, seconds }) => requests.observe({ method, route, status: String(status) }, seconds),
    countBusy: () => busy.inc(),
  };
}

function jobFigures({ db }: AppDeps, registry: Registry): () => void {
  const registers = [registry];
  const ended = new Counter({
    name: "winnow_jobs_total",
    help: "Jobs that ended, by result and reason.",
    labelNames: ["result", "reason"],
    registers,
  });
  const lost = new Counter({ name: "winnow_leases_lost_total", help: "Attempts whose runner was lost.", registers });
  const saved = new Counter({
    name: "winnow_bytes_saved_total",
    help: "Bytes of fat images that good slim images lack.",
    registers,
  });
  const waited = new Histogram({
    name: "winnow_claim_wait_seconds",
    help: "From submission to the start of the first attempt.",
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200],
    registers,
  });
  const stages = new Histogram({
    name: "winnow_stage_seconds",
    help: "How long stages took.",
    labelNames: ["stage"],
    buckets: [0.1, 0.5, 1, 2, 5, 15, 60, 300, 900],
    registers,
  });
  let seen = lastEventSeq(db);
  const take = ({
    event,
    submittedAt,
    cachedFrom,
    fatBytes,
    slimBytes,
    verdict,
  }: ReturnType<typeof figuresAfter>[number]) => {
    const { state, code, stage, durationMs } = event.detail;
    if (event.kind === "stage" && state === "done" && typeof durationMs === "number")
      stages.observe({ stage: knownStages.has(String(stage)) ? String(stage) : "other" }, secondsOf(durationMs));
    if (event.kind !== "state") return;
    if (state === "running" && event.attempt === 1) waited.observe(secondsOf(event.at - submittedAt));
    if (code === "runner.lost") lost.inc();
    if (!isEnd(state)) return;
    ended.inc({ result: state, reason: typeof code === "string" ? code : cachedFrom === null ? "" : "cached" });
    if (state === "succeeded" && fatBytes !== null && slimBytes !== null && verdict !== "failed")
      saved.inc(Math.max(0, fatBytes - slimBytes));
  };
  return () => {
    for (;;) {
      const rows = figuresAfter(db, seen);
      for (const row of rows) take(row);
      const last = rows.at(-1);
      if (!last) return;
      seen = last.event.seq;
    }
  };
}

/** Runners name their stages themselves; of these there is a figure each. */
const knownStages = new Set([
  "resolve",
  "index",
  "observe",
  "owners",
  "select",
  "rebuild",
  "assert",
  "verify",
  "bare",
  "report",
]);

function isEnd(state: unknown): state is string {
  return ["succeeded", "failed", "canceled", "skipped", "expired"].includes(String(state));
}

function gauges({ db, now, timings, queue }: AppDeps, registry: Registry): () => void {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const depth = gauge("winnow_queue_depth", "Jobs that wait.", ["pool", "arch"]);
  const oldest = gauge("winnow_queue_oldest_seconds", "How long the oldest job waits.");
  const runners = gauge("winnow_runners", "Runners by state.", ["state"]);
  const waiting = gauge("winnow_claims_waiting", "Claims of runners that wait for a job.");
  const wal = gauge("winnow_wal_bytes", "Size of the database's write-ahead log.");
  const memory = gauge("process_resident_memory_bytes", "Memory of the process.");
  return () => {
    const pools = knownPools(db);
    const waits = queueDepth(db);
    depth.reset();
    for (const { pool, architecture, jobs } of waits)
      depth.inc({ pool: pool === null ? "" : pools.has(pool) ? pool : "other", arch: architecture ?? "" }, jobs);
    const since = waits.reduce((least, one) => Math.min(least, one.oldest ?? least), now());
    oldest.set(secondsOf(now() - since));
    for (const state of ["online", "draining", "stale", "offline"]) runners.set({ state }, 0);
    for (const { state } of listRunners(db, { now: now(), leaseMs: timings.leaseMs })) runners.inc({ state });
    waiting.set(queue.waiting);
    wal.set(statSync(`${databaseFile(db)}-wal`, { throwIfNoEntry: false })?.size ?? 0);
    memory.set(process.memoryUsage.rss());
  };
}

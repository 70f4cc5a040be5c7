import type { Logger } from "pino";
import type { Timings } from "#contract/service/timings.ts";
import type { Db } from "./db/open.ts";
import type { AttemptLogs } from "./logs/attempt-logs.ts";
import type { JobQueue } from "./queue/job-queue.ts";
import type { Store } from "./store/store.ts";

/** Limits of the API. */
export type Settings = {
  /** Bodies of all requests but uploads, bytes. */
  bodyBytes: number;
  /** How long a request may take that neither waits nor streams, ms. */
  requestMs: number;
  /** Of each token: how many requests at once, and how many a second for good. */
  requestBurst: number;
  requestsPerSecond: number;
  /** Wrong tokens from one address. */
  badTokensPerMinute: number;
  /** How many may watch jobs at a time, and how many of them with one token. */
  viewers: number;
  viewersPerToken: number;
  /** When a stream of events ends by itself, how often it shows that it lives, and how often it looks for news, ms. */
  streamMs: number;
  pingMs: number;
  lookMs: number;
};

export const defaultSettings: Settings = {
  bodyBytes: 2 ** 20,
  requestMs: 60_000,
  requestBurst: 1000,
  requestsPerSecond: 200,
  badTokensPerMinute: 10,
  viewers: 500,
  viewersPerToken: 50,
  streamMs: 600_000,
  pingMs: 15_000,
  lookMs: 250,
};

/** All that the app uses of the world. */
export type AppDeps = {
  db: Db;
  store: Store;
  logs: AttemptLogs;
  queue: JobQueue;
  log: Logger;
  /** Milliseconds UTC. */
  now: () => number;
  timings: Timings;
  /** Of Winnow. */
  version: string;
  settings: Settings;
  /** Set when the process is about to stop: `/readyz` answers 503 and streams end. */
  lifecycle: { isDraining: boolean };
};

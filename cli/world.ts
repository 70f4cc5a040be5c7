import type { EventEmitter } from "node:events";
import type { Readable } from "node:stream";
import type { JobRequest } from "#contract/job.ts";
import type { Report } from "#contract/report.ts";
import type { RunnerDeps } from "#runner/deps.ts";
import type { Engine } from "#runner/docker/engine.ts";
import type { Config, Environment } from "./config.ts";
import type { Output } from "./screen.ts";

/** The runner's entry points. */
export type Backend = {
  connectEngine(target: {
    host?: string;
    tls?: boolean;
    tlsVerify?: boolean;
    certPath?: string;
    env: Environment;
  }): Promise<Engine>;
  /** Removes what crashed jobs left on the engine. */
  sweep(engine: Engine): Promise<unknown>;
  slim(request: JobRequest, deps: RunnerDeps): Promise<Report>;
  info(request: JobRequest, deps: RunnerDeps): Promise<object>;
};

/** What the command line touches besides its state: `main.ts` gives the process's, tests give their own. */
export type World = {
  config: Config;
  stdin: Readable;
  stdout: Output;
  stderr: Output;
  /** Emits SIGINT, SIGTERM and SIGUSR1. */
  signals: EventEmitter;
  /** Ends the process at once. */
  exit(code: number): void;
  backend: Backend;
  now(): number;
};

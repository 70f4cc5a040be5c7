import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { endProcess } from "./end-process.ts";
import { bundled } from "./service-process.ts";

/** A `winnow runner` of a test's own, on the engine of the environment and with a state directory of its own. */
export type RunnerProcess = {
  name: string;
  statePath: string;
  pid(): number;
  /** By SIGKILL, at once. */
  kill(): Promise<void>;
  /** Asks it to drain; gives its exit code. */
  stop(): Promise<number | null>;
  /** After `kill` or `stop`: with the same state. Resolves when it is ready for jobs. */
  startAgain(): Promise<void>;
  /** What it has logged so far, of all its lives. */
  said(): string;
  /** Ends it and removes its state. */
  remove(): Promise<void>;
  /** Its exit code, when it ends by itself or by a signal. */
  ended(): Promise<number | null>;
};

export type RunnerOptions = {
  server: string;
  token: string;
  name: string;
  engine?: string;
  /** It takes no jobs when less is free. */
  diskFloorGib?: number;
};

/** Starts one and waits until it is ready for jobs. */
export async function startRunnerProcess(options: RunnerOptions): Promise<RunnerProcess> {
  const home = mkdtempSync(join(tmpdir(), "winnow-runner-"));
  const bundle = await bundled();
  let log = "";
  const launch = async () => {
    const before = log.length;
    const child = begin(options, { bundle, home });
    child.stderr?.on("data", (piece) => {
      log += piece;
    });
    const deadline = performance.now() + 60_000;
    while (!log.slice(before).includes("ready for jobs")) {
      if (child.exitCode !== null || performance.now() > deadline) {
        child.kill("SIGKILL");
        throw new Error(`the runner did not start: ${log.slice(before) || "it said nothing"}`);
      }
      await delay(20);
    }
    return child;
  };
  let child = await launch();
  const end = (signal: NodeJS.Signals) => endProcess(child, signal);
  return {
    name: options.name,
    statePath: join(home, "state", "runner"),
    pid: () => child.pid ?? 0,
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
    startAgain: async () => {
      child = await launch();
    },
    said: () => log,
    ended: async () => {
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      return child.exitCode;
    },
    remove: async () => {
      await end("SIGKILL");
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** It dies with this process, however that ends: the kernel sees to it. */
function begin(options: RunnerOptions, place: { bundle: string; home: string }): ChildProcess {
  const { server, token, name, engine, diskFloorGib = 1 } = options;
  const { PATH, DOCKER_HOST } = process.env;
  const argv = [place.bundle, "runner", "--server", server, "--name", name, "--disk-floor", String(diskFloorGib)];
  const own = { HOME: place.home, WINNOW_STATE_PATH: join(place.home, "state"), WINNOW_TOKEN: token };
  return spawn("setpriv", ["--pdeathsig", "KILL", process.execPath, ...argv], {
    stdio: ["ignore", "ignore", "pipe"],
    cwd: place.home,
    env: { PATH, ...own, DOCKER_HOST: engine ?? DOCKER_HOST },
  });
}

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { build } from "esbuild";
import { projectRoot } from "#api/root.ts";
import type { Timings } from "#contract/service/timings.ts";
import { freePort } from "../free-port.ts";
import { endProcess } from "./end-process.ts";

/** A `winnow serve` of a test's own, without the embedded runner, on 127.0.0.1 and with a state directory of its own. */
export type ServiceProcess = {
  origin: string;
  statePath: string;
  /** Path of its database. */
  database: string;
  /** The first admin token, as it was printed at the first start. */
  adminToken: string;
  pid(): number;
  /** By SIGKILL, at once. */
  kill(): Promise<void>;
  /** Asks it to end; gives its exit code. */
  stop(): Promise<number | null>;
  /** After `kill` or `stop`: on the same port and state. */
  startAgain(clock?: Clock): Promise<void>;
  /** What it has logged so far, of all its lives. */
  said(): string;
  /** Ends it and removes its state. */
  remove(): Promise<void>;
};

/** How wrong the process's clock is, as libfaketime takes it: `+1h`, `-1h`. */
export type Clock = `${"+" | "-"}${number}h`;

export type ServiceOptions = {
  timings?: Partial<Timings>;
  clock?: Clock;
  env?: Readonly<Record<string, string>>;
  /** For node, such as `--cpu-prof`. */
  nodeArguments?: readonly string[];
};

export async function startService(options: ServiceOptions = {}): Promise<ServiceProcess> {
  const home = mkdtempSync(join(tmpdir(), "winnow-service-"));
  const statePath = join(home, "state");
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const bundle = await bundled();
  let log = "";
  const launch = async (clock: Clock | undefined) => {
    const before = log.length;
    const child = begin({ ...options, clock }, { bundle, statePath, port, home });
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (piece) => {
        log += piece;
      });
    await untilReady(child, origin, () => log.slice(before));
    return child;
  };
  let child = await launch(options.clock);
  const end = (signal: NodeJS.Signals) => endProcess(child, signal);
  return {
    origin,
    statePath,
    database: join(statePath, "winnow.db"),
    adminToken: adminTokenIn(log),
    pid: () => child.pid ?? 0,
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
    startAgain: async (clock = options.clock) => {
      child = await launch(clock);
    },
    said: () => log,
    remove: async () => {
      await end("SIGKILL");
      rmSync(home, { recursive: true, force: true });
    },
  };
}

type Place = { bundle: string; statePath: string; port: number; home: string };

/** It dies with this process, however that ends: the kernel sees to it. */
function begin(options: ServiceOptions, { bundle, statePath, port, home }: Place): ChildProcess {
  const { timings = {}, clock, env = {}, nodeArguments = [] } = options;
  const argv = [bundle, "serve", "--no-runner", "--listen", `127.0.0.1:${port}`, "--state-path", statePath];
  // The monotonic clock is left alone, as it is on a machine whose time of day is wrong.
  const faked = clock && { LD_PRELOAD: fakeClock(), FAKETIME: clock, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
  return spawn("setpriv", ["--pdeathsig", "KILL", process.execPath, ...nodeArguments, ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, WINNOW_TIMINGS: JSON.stringify(timings), ...faked, ...env },
  });
}

async function untilReady(child: ChildProcess, origin: string, said: () => string): Promise<void> {
  const deadline = performance.now() + 60_000;
  // The last thing that it prints is its URL and, at its first start, the token.
  while (!(/^url .*\n/m.test(said()) && (await isReady(origin)))) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`the server did not start on ${origin}: ${said() || "it said nothing"}`);
    }
    await delay(20);
  }
}

const isReady = (origin: string): Promise<boolean> =>
  fetch(`${origin}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );

function adminTokenIn(log: string): string {
  const [token] = /wapi_[A-Za-z0-9_-]{49}/.exec(log) ?? [];
  if (!token) throw new Error(`the server printed no token: ${log}`);
  return token;
}

/** libfaketime, or undefined where it is not installed (`apt-get install faketime`). */
export function fakeClock(): string | undefined {
  const maps = ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`);
  return maps.find((path) => {
    try {
      return readFileSync(path).length > 0;
    } catch {
      return false;
    }
  });
}

let making: Promise<string> | undefined;

/** The command line of these sources in one file: it starts in a fifth of the time, and `dist` may be older. */
export function bundled(): Promise<string> {
  const outfile = join(projectRoot(), ".cache", "test", `winnow-${process.pid}.js`);
  making ??= build({
    entryPoints: [join(projectRoot(), "cli", "main.ts")],
    absWorkingDir: projectRoot(),
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    packages: "external",
    sourcemap: true,
    outfile,
    logLevel: "warning",
  }).then(() => {
    process.once("exit", () => {
      for (const path of [outfile, `${outfile}.map`]) rmSync(path, { force: true });
    });
    return outfile;
  });
  return making;
}

import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import type { JobRequest } from "#contract/job.ts";
import { Report, reportSchemaVersion } from "#contract/report.ts";
import type { RunnerDeps } from "../deps.ts";
import type { Engine } from "../docker/engine.ts";
import type { SourceImage } from "../image/source.ts";
import type { FakeServer } from "./fake-server.ts";
import { type RunnerOptions, startRunner } from "./start-runner.ts";

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

/** The image that `resolve` finds. */
export const aSource = (reference: string): SourceImage => ({
  reference,
  id: digest("1"),
  configDigest: digest("1"),
  diffIds: [digest("2")],
  chainId: digest("2"),
  os: "linux",
  architecture: "amd64",
  config: { Cmd: ["web"] },
  history: [],
});

/** The report of a job that was verified. */
export function aReport(request: JobRequest, change: Partial<Report> = {}): Report {
  const image = { configDigest: digest("1"), diffIds: [digest("2")], os: "linux", architecture: "amd64" };
  return Report.parse({
    schemaVersion: reportSchemaVersion,
    winnow: { version: "0.1.0", sensor: "0.1.0" },
    engine: { ...engineFacts, os: "linux", apiVersion: "1.41", architecture: "amd64" },
    job: { id: "job_a", kind: request.kind, request, startedAt: 1000, finishedAt: 4500 },
    fat: { ...image, reference: "web:1", chainId: digest("a"), rootfsBytes: 100, entries: 9, files: 8 },
    slim: null,
    ratio: null,
    verdict: "verified",
    verdictReason: null,
    repairs: [],
    observation: null,
    kept: {},
    stages: [],
    warnings: [],
    artifacts: [],
    ...change,
  });
}

const engineFacts = {
  version: "20.10",
  apiVersion: "1.41",
  storage: "overlay2",
  kernel: "5.10",
  architecture: "amd64",
  os: "linux",
  cgroup: "1",
  rootless: false,
  securityOptions: [],
};

/** An engine that only says where its images lie; `info` may fail. */
export const anEngine = (info: () => Promise<object> = async () => ({ DockerRootDir: tmpdir() })): Engine =>
  // Nothing else of it is called by a runner whose kinds are a test's.
  ({ docker: { info } as unknown as Engine["docker"], facts: engineFacts, host: "unix:///none", configDir: "/none" });

export type Slim = (request: JobRequest, deps: RunnerDeps) => Promise<Report>;

/** What a pipeline says and stores on its way. */
export const typicalSlim: Slim = async (request, { log, progress, artifacts, mayPublish }) => {
  progress({ kind: "stage", stage: "observe", state: "started" });
  log.info({ stage: "observe" }, `it runs with ${request.scenarios[0]?.env.join(" ")}`);
  progress({ kind: "stage", stage: "observe", state: "done", durationMs: 5, detail: "1 answer" });
  progress({ kind: "note", text: "a remark" });
  progress({ kind: "container-log", run: "fat", text: "not for the page" });
  await artifacts.put("files.jsonl", '{"path":"/a"}\n');
  await artifacts.put("fat.log", `begin ${request.scenarios[0]?.env.join(" ")} end\n`);
  await mayPublish?.();
  const report = aReport(request);
  await artifacts.put("report.json", JSON.stringify(report));
  return report;
};

type Change = Partial<Omit<RunnerOptions, "kinds">> & { kinds?: Partial<NonNullable<RunnerOptions["kinds"]>> };

export type Bench = ReturnType<typeof aRunner>;

/** A runner on a fake server, with a pipeline of the test's and a state of its own. */
export function aRunner(server: FakeServer, slim: Slim = typicalSlim, change: Change = {}) {
  const statePath = change.statePath ?? mkdtempSync(join(tmpdir(), "winnow-runner-"));
  const lines: string[] = [];
  const runner = startRunner({
    url: server.url,
    token: "wreg_1",
    name: "host-1",
    labels: { zone: "a" },
    slots: 1,
    version: "0.1.0",
    engine: anEngine(),
    statePath,
    diskFloorBytes: 0,
    log: pino({ level: "debug" }, { write: (line: string) => void lines.push(line) }),
    ...change,
    kinds: {
      resolve: async ({ image }) => aSource(image),
      slim,
      info: async () => ({ about: "it" }),
      sweep: async () => {},
      ...change.kinds,
    },
  });
  return {
    ...runner,
    statePath,
    lines,
    /** Files of jobs that are still there. */
    leftFiles: (): string[] => readdirSync(join(statePath, "tmp"), { recursive: true }).map(String),
  };
}

/** Waits for a condition, at most so long. */
export async function until(what: string, holds: () => boolean, ms = 10_000): Promise<void> {
  const end = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`it never came to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

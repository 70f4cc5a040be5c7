import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "minio";
import { expect } from "vitest";
import { type OpenDatabase, openDatabase } from "#api/db/open.ts";
import { readJobView } from "#api/db/read-job-view.ts";
import { type Client as Api, apiClient } from "#cli/client.ts";
import { Report } from "#contract/report.ts";
import { ArtifactList, type JobView, type Submission, Submitted } from "#contract/service/job-view.ts";
import type { Timings } from "#contract/service/timings.ts";
import { IssuedToken } from "#contract/service/token.ts";
import type { Engine } from "#runner/docker/engine.ts";
import { inspectImage, removeImage } from "#runner/docker/images.ts";
import { leftovers } from "#runner/docker/sweep.ts";
import { testDeps } from "../deps.ts";
import { imageOf } from "../images/build.ts";
import { type Minio, rootKeys, startMinio } from "../minio.ts";
import { historyFaults, readHistories } from "../service/history.ts";
import { type RunnerOptions, type RunnerProcess, startRunnerProcess } from "../service/runner-process.ts";
import { type ServiceProcess, startService } from "../service/service-process.ts";
import { laySmallDisk, type SmallDisk } from "./small-disk.ts";

/** Short enough for a test to wait for a lease, long enough for any part to start again meanwhile on a busy machine. */
export const shortTimings: Partial<Timings> = {
  ...{ pollMs: 2_000, heartbeatMs: 500, fenceMs: 5_000, abandonMs: 7_000, leaseMs: 8_000, startWindowMs: 5_000 },
  ...{ reapMs: 200, logMs: 50, retryMs: 100, maxRetryMs: 500, cancelGraceMs: 10_000 },
};

/** In the order in which a job goes through them; `upload` and `finish` show in the store, not in the job. */
export const stages = ["index", "observe", "select", "rebuild", "verify", "bare", "upload", "finish"] as const;
export type Stage = (typeof stages)[number];

/** A server, a MinIO and a runner on one engine, each a process that may be killed; and a container that is nobody's business. */
export type ServiceBench = {
  engine: Engine;
  minio: Minio;
  service: ServiceProcess;
  runner: RunnerProcess;
  api: Api;
  /** With `stateBytes`. */
  disk: SmallDisk | undefined;
  /** Its id. The image is slimmed under a tag of its own, and watched for a second. */
  submit(change?: Partial<Submission>): Promise<string>;
  read(id: string): JobView;
  /** The job as soon as it is as wanted, by the database: the server may be down. */
  until(id: string, isWanted: (job: JobView) => boolean, withinMs?: number): Promise<JobView>;
  /** Waits until the job is in this stage, or as soon as it can be seen beyond it; gives where it is. */
  reach(id: string, stage: Stage): Promise<string | null>;
  /** Waits until the job has ended, and expects all that must hold then whatever happened; gives the job. */
  expectWhole(id: string): Promise<JobView>;
  expectNothingLeft(id: string): Promise<void>;
  remove(): Promise<void>;
};

export type BenchOptions = {
  sample: string;
  engine: Engine;
  timings?: Partial<Timings>;
  runner?: Partial<RunnerOptions>;
  env?: Record<string, string>;
  /** The server's state lies on a disk of its own of this size, bytes. */
  stateBytes?: number;
};

/** Starts all of it. The sample is on the engine already. */
export async function openServiceBench(options: BenchOptions): Promise<ServiceBench> {
  const { sample, engine, timings = {} } = options;
  const minio = await startMinio();
  const keys = { id: rootKeys.accessKeyId, secret: rootKeys.secretAccessKey };
  const s3 = { WINNOW_S3_ACCESS_KEY_ID: keys.id, WINNOW_S3_SECRET_ACCESS_KEY: keys.secret };
  const env = { WINNOW_S3_ENDPOINT: minio.endpoint, WINNOW_S3_BUCKET: "artifacts", ...s3, ...options.env };
  const service = await startService({ timings: { ...shortTimings, ...timings }, env });
  const disk = options.stateBytes === undefined ? undefined : await onSmallDisk(service, options.stateBytes);
  const api = apiClient({ url: service.origin, token: service.adminToken });
  const body = { name: "runner", scope: "runner" };
  const { token } = await api.ask("/tokens", IssuedToken, { method: "POST", body });
  const about = { server: service.origin, token, name: "one", engine: engine.host };
  const runner = await startRunnerProcess({ ...about, ...options.runner });
  const db = openDatabase(service.database, { readonly: true });
  const foreign = await engine.docker.createContainer({
    Image: imageOf(sample),
    Labels: { "dev.winnow.test": "faults" }, // none that the product knows
    HostConfig: { NetworkMode: "none", RestartPolicy: { Name: "always" } }, // its engine may die
  });
  await foreign.start();
  const tags: string[] = [];

  const read = (id: string) => readJobView(db, id);
  const until: ServiceBench["until"] = async (id, isWanted, withinMs = 90_000) => {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const job = read(id);
      if (isWanted(job)) return job;
      if (performance.now() > deadline)
        throw new Error(`still ${JSON.stringify(job)}; ${service.said().slice(-3000)}; ${runner.said().slice(-3000)}`);
      await delay(5);
    }
  };
  const expectNothingLeft = async (id: string) => {
    const nothing = { containers: [], images: [], networks: [], volumes: [] };
    await expect.poll(() => leftovers(engine, id), { timeout: 30_000 }).toEqual(nothing);
  };
  return {
    ...{ engine, minio, service, runner, api, disk, read, until, expectNothingLeft },
    submit: async (change) => {
      const tag = `winnow-e2e-faults-${process.pid}:${tags.length}`;
      tags.push(tag);
      const scenario = { name: "default", finish: { kind: "seconds", seconds: 1 } };
      const request = { image: imageOf(sample), tags: [tag], scenarios: [scenario] };
      const submission = { request, ...change };
      return (await api.ask("/jobs", Submitted, { method: "POST", body: submission })).job.id;
    },
    reach: async (id, stage) => {
      const isThere = reached(minio, id, stage);
      return (await until(id, isThere)).stage;
    },
    expectWhole: async (id) => {
      const job = await until(id, ({ finishedAt }) => finishedAt !== null);
      expect({ state: job.state, verdict: job.summary?.verdict, error: job.error }).toEqual({
        state: "succeeded",
        verdict: expect.stringMatching(/^(verified|repaired)$/),
        error: null,
      });
      expect(faultsOf(db, id)).toEqual([]);
      await expectArtifacts(api, minio, job);
      const image = await inspectImage(await testDeps({ engine }), job.request.tags[0] ?? "");
      expect(image.diffIds).toEqual((await reportIn(minio, job)).slim?.diffIds);
      await expectNothingLeft(id);
      await expect.poll(async () => (await foreign.inspect()).State.Running).toBe(true);
      await expect.poll(() => leftOf(id, join(runner.statePath, "tmp"))).toEqual([]);
      expect(readdirSync(join(service.statePath, "logs"))).not.toContain(`${id}.${job.history.length}.log`);
      return job;
    },
    remove: async () => {
      db.close();
      await runner.remove();
      await service.kill();
      disk?.remove();
      await service.remove();
      await minio.remove();
      await foreign.remove({ force: true }).catch(() => {}); // its engine may be gone
      for (const tag of tags) await removeImage({ engine }, tag).catch(() => {});
    },
  };
}

async function onSmallDisk(service: ServiceProcess, bytes: number): Promise<SmallDisk> {
  await service.stop();
  const disk = laySmallDisk(service.statePath, bytes);
  await service.startAgain();
  return disk;
}

/** Whether a job can be seen in a stage or beyond it. */
function reached(minio: Minio, id: string, stage: Stage): (job: JobView) => boolean {
  if (stage === "upload" || stage === "finish") {
    const stored = join(minio.dir, "artifacts", "jobs", id);
    const isLog = stage === "finish";
    return ({ finishedAt }) =>
      finishedAt !== null ||
      (existsSync(stored) && readdirSync(stored).some((n) => !isLog || existsSync(join(stored, n, "job.log"))));
  }
  const later: readonly string[] = stages.slice(stages.indexOf(stage));
  return (job) => job.finishedAt !== null || (job.stage !== null && later.includes(job.stage));
}

const faultsOf = (db: OpenDatabase, id: string): string[] =>
  readHistories(db)
    .filter(({ job }) => job.id === id)
    .flatMap(historyFaults);

/** What the API says is there is there for a client that knows nothing of Winnow, byte for byte; and nothing is missing. */
async function expectArtifacts(api: Api, minio: Minio, job: JobView): Promise<void> {
  const { artifacts } = await api.ask(`/jobs/${job.id}/artifacts`, ArtifactList);
  expect(artifacts.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["report.json", "files.jsonl", "seccomp.json", "apparmor.profile", "job.log"]),
  );
  for (const { name, bytes, sha256 } of artifacts) {
    const content = await objectOf(minio, job, name);
    expect([name, content.length, createHash("sha256").update(content).digest("hex")]).toEqual([name, bytes, sha256]);
  }
}

async function objectOf(minio: Minio, job: JobView, name: string): Promise<Buffer> {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = rootKeys;
  const port = Number(new URL(minio.endpoint).port);
  const client = new Client({ endPoint: "127.0.0.1", port, useSSL: false, accessKey, secretKey });
  return await buffer(await client.getObject("artifacts", `jobs/${job.id}/${job.history.length}/${name}`));
}

const reportIn = async (minio: Minio, job: JobView): Promise<Report> =>
  Report.parse(JSON.parse(String(await objectOf(minio, job, "report.json"))));

/** Files of that job or of none, and directories of processes other than the one that runs. */
function leftOf(jobId: string, directory: string): string[] {
  const [, ...others] = readdirSync(directory);
  const all = readdirSync(directory, { recursive: true, withFileTypes: true });
  // The next job may be at work by now.
  const isOfAnother = (path: string) =>
    /\/(job_[0-9a-z]+)-\d+(?:\/|$)/.exec(path)?.[1] !== jobId && /\/job_/.test(path);
  const files = all.filter((one) => !one.isDirectory() && !isOfAnother(one.parentPath));
  return [...others, ...files.map(({ parentPath, name }) => join(parentPath, name))];
}

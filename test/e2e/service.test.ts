import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "minio";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client as Api, apiClient } from "#cli/client.ts";
import { Report } from "#contract/report.ts";
import { ArtifactList, JobView, type Submission, Submitted } from "#contract/service/job-view.ts";
import { IssuedToken } from "#contract/service/token.ts";
import { inspectImage, removeImage } from "#runner/docker/images.ts";
import { leftovers } from "#runner/docker/sweep.ts";
import { testDeps } from "../deps.ts";
import { buildSample, buildSettings, imageOf } from "../images/build.ts";
import { type Minio, minioBinary, rootKeys, startMinio } from "../minio.ts";
import { type RunnerProcess, startRunnerProcess } from "../service/runner-process.ts";
import { bundled, type ServiceProcess, startService } from "../service/service-process.ts";
import { firstEngine } from "./slim-sample.ts";

const sample = "musl";
const tag = "winnow-e2e-service:killed";
const embeddedTag = "winnow-e2e-service:embedded";
const nothing = { containers: [], images: [], networks: [], volumes: [] };

/** Short enough for a test to wait for a lease, long enough for the server to start again meanwhile. */
const timings = {
  ...{ pollMs: 2_000, heartbeatMs: 500, fenceMs: 6_000, abandonMs: 8_000, leaseMs: 10_000 },
  ...{ reapMs: 250, logMs: 200, retryMs: 200, maxRetryMs: 1_000 },
};

describe.skipIf(!minioBinary() || !firstEngine)("the service, with two runners and artifacts in S3", () => {
  let minio: Minio;
  let service: ServiceProcess;
  let api: Api;
  let runners: RunnerProcess[] = [];

  beforeAll(async () => {
    if (!firstEngine) return;
    await buildSample(sample, firstEngine.docker, buildSettings(process.env));
    minio = await startMinio();
    const env = {
      WINNOW_S3_ENDPOINT: minio.endpoint,
      WINNOW_S3_BUCKET: "artifacts",
      WINNOW_S3_ACCESS_KEY_ID: rootKeys.accessKeyId,
      WINNOW_S3_SECRET_ACCESS_KEY: rootKeys.secretAccessKey,
    };
    service = await startService({ timings, env });
    api = apiClient({ url: service.origin, token: service.adminToken });
    const body = { name: "runners", scope: "runner" };
    const { token } = await api.ask("/tokens", IssuedToken, { method: "POST", body });
    const common = { server: service.origin, token, engine: firstEngine.host };
    runners = await Promise.all(["one", "two"].map((name) => startRunnerProcess({ ...common, name })));
  }, 600_000);

  afterAll(async () => {
    for (const runner of runners) await runner.remove();
    await service?.remove();
    await minio?.remove();
    if (firstEngine) await removeImage({ engine: firstEngine }, tag).catch(() => {});
  });

  const read = (id: string) => api.ask(`/jobs/${id}`, JobView);

  /** The job as soon as it is as wanted. */
  async function until(id: string, isWanted: (job: JobView) => boolean, withinMs = 180_000): Promise<JobView> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const job = await read(id);
      if (isWanted(job)) return job;
      if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(job)}; the server: ${service.said()}`);
      await delay(50);
    }
  }

  it("ends a job once whose runner is killed in the middle, verified, with its artifacts in the bucket", async () => {
    if (!firstEngine) return;
    // Observed for some seconds, so that there is a middle to be killed in.
    const scenario = { name: "default", finish: { kind: "seconds" as const, seconds: 3 } };
    const request = { image: imageOf(sample), tags: [tag], scenarios: [scenario] };
    const body = { request } as unknown as Submission; // as a client writes it: the server completes it
    const { job } = await api.ask("/jobs", Submitted, { method: "POST", body });

    const atWork = await until(job.id, ({ stage }) => stage === "observe");
    const victim = runners.find(({ name }) => name === atWork.runner?.name);
    const other = runners.find((runner) => runner !== victim);
    await delay(1_000); // its containers are there
    await victim?.kill();

    const ended = await until(job.id, ({ finishedAt }) => finishedAt !== null);
    expect(ended).toMatchObject({ state: "succeeded", attempts: 2, runner: { name: other?.name } });
    expect(ended.history.map(({ state, runner }) => [state, runner.name])).toEqual([
      ["lost", victim?.name],
      ["succeeded", other?.name],
    ]);
    expect(ended.summary?.verdict).toBe("verified");

    // What the API says is there is there for a client that knows nothing of Winnow, byte for byte.
    const { artifacts } = await api.ask(`/jobs/${job.id}/artifacts`, ArtifactList);
    expect(artifacts.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["report.json", "files.jsonl", "seccomp.json", "apparmor.profile", "job.log"]),
    );
    const s3 = new Client({
      endPoint: "127.0.0.1",
      port: Number(new URL(minio.endpoint).port),
      useSSL: false,
      accessKey: rootKeys.accessKeyId,
      secretKey: rootKeys.secretAccessKey,
    });
    for (const { name, bytes, sha256 } of artifacts) {
      const object = await s3.getObject("artifacts", `jobs/${job.id}/2/${name}`);
      const content = await buffer(object);
      expect([content.length, createHash("sha256").update(content).digest("hex")]).toEqual([bytes, sha256]);
    }
    const report = Report.parse(
      JSON.parse(String(await buffer(await s3.getObject("artifacts", `jobs/${job.id}/2/report.json`)))),
    );
    expect(report).toMatchObject({ verdict: "verified", slim: { tags: [tag] }, job: { id: job.id } });
    expect((await inspectImage(await testDeps({ engine: firstEngine }), tag)).diffIds).toEqual(report.slim?.diffIds);

    // What the killed one left goes when it starts again.
    await victim?.startAgain();
    expect(await leftovers(firstEngine, job.id)).toEqual(nothing);
  }, 300_000);

  it("drains: a runner ends in order, and the job that comes then goes to the other one", async () => {
    const [first, second] = runners;
    expect(await first?.stop()).toBe(0);
    const request = { image: imageOf(sample), kind: "profile" };
    const { job } = await api.ask("/jobs", Submitted, { method: "POST", body: { request } });
    const ended = await until(job.id, ({ finishedAt }) => finishedAt !== null);
    expect(ended).toMatchObject({ state: "succeeded", attempts: 1, runner: { name: second?.name } });
  }, 300_000);

  it("keeps the job at work through a restart of the server", async () => {
    const [, second] = runners;
    const scenario = { name: "default", finish: { kind: "seconds", seconds: 4 } };
    const request = { image: imageOf(sample), kind: "profile", scenarios: [scenario] };
    const { job } = await api.ask("/jobs", Submitted, { method: "POST", body: { request } });
    await until(job.id, ({ stage }) => stage === "observe");
    expect(await service.stop()).toBe(0);
    await service.startAgain();
    const ended = await until(job.id, ({ finishedAt }) => finishedAt !== null);
    expect(ended).toMatchObject({ state: "succeeded", attempts: 1, runner: { name: second?.name } });
    expect(await second?.stop()).toBe(0);
    expect(await service.stop()).toBe(0);
  }, 300_000);
});

describe.skipIf(!firstEngine)("a server with a runner of its own", () => {
  it("does a job that the command line submits, and ends in order", async () => {
    if (!firstEngine) return;
    await buildSample(sample, firstEngine.docker, buildSettings(process.env));
    const home = mkdtempSync(join(tmpdir(), "winnow-embedded-"));
    const { PATH } = process.env;
    const bundle = await bundled();
    const env = { PATH, HOME: home, DOCKER_HOST: firstEngine.host, WINNOW_STATE_PATH: join(home, "state") };
    const argv = ["--pdeathsig", "KILL", process.execPath, bundle, "serve", "--listen", "127.0.0.1:0"];
    const server = spawn("setpriv", argv, { stdio: ["ignore", "pipe", "pipe"], env });
    const ended = once(server, "exit");
    let said = "";
    for (const stream of [server.stdout, server.stderr])
      stream.on("data", (piece) => {
        said += piece;
      });
    try {
      await expect.poll(() => said, { timeout: 60_000 }).toContain("ready for jobs");
      const [, url] = /^url +(\S+)$/m.exec(said) ?? [];
      const [, token] = /^token +(\S+)$/m.exec(said) ?? [];
      const submission = ["submit", imageOf(sample), "--tag", embeddedTag, "--wait", "--json"];
      const client = { PATH, HOME: home, WINNOW_SERVER: url, WINNOW_TOKEN: token };
      const { stdout } = await promisify(execFile)(process.execPath, [bundle, ...submission], { env: client });
      expect(Report.parse(JSON.parse(stdout))).toMatchObject({ verdict: "verified", slim: { tags: [embeddedTag] } });
      server.kill("SIGTERM");
      expect(await ended).toEqual([0, null]);
    } finally {
      server.kill("SIGKILL");
      rmSync(home, { recursive: true, force: true });
      await removeImage({ engine: firstEngine }, embeddedTag).catch(() => {});
    }
  }, 300_000);
});

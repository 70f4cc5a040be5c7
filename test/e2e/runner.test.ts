import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterAll, expect, test } from "vitest";
import { JobRequest } from "#contract/job.ts";
import { Report } from "#contract/report.ts";
import type { Engine } from "#runner/docker/engine.ts";
import { enginesUnderTest } from "#runner/docker/engine-under-test.ts";
import { inspectImage } from "#runner/docker/images.ts";
import { leftovers } from "#runner/docker/sweep.ts";
import { FakeServer } from "#runner/service/fake-server.ts";
import { until } from "#runner/service/runner.builder.ts";
import { startRunner } from "#runner/service/start-runner.ts";
import { openFaultBench } from "./fault-bench.ts";

const [engine] = await enginesUnderTest(process.env);
if (!engine) throw new Error("no engine to test on");
const bench = openFaultBench(engine, "runner");
const statePath = mkdtempSync(join(tmpdir(), "winnow-runner-e2e-"));
afterAll(async () => {
  await bench.close();
  rmSync(statePath, { recursive: true });
});

const nothing = { containers: [], networks: [], volumes: [], images: [] };

function aRealRunner(server: FakeServer, real: Engine) {
  const about = { url: server.url, token: "wreg_1", name: "host-1", labels: {}, slots: 1, version: "0.1.0" };
  return startRunner({ ...about, engine: real, statePath, diskFloorBytes: 0, log: pino({ level: "silent" }) });
}

/** Intervals as they are in life but for the polls, so that a busy machine is no lost lease. */
async function aServer(): Promise<FakeServer> {
  const server = await new FakeServer().open();
  server.timings = {
    ...server.timings,
    heartbeatMs: 200,
    leaseMs: 60_000,
    startWindowMs: 20_000,
    fenceMs: 40_000,
    abandonMs: 55_000,
  };
  return server;
}

const requestFor = (image: string, tag: string) =>
  JobRequest.parse({
    image,
    tags: [tag],
    keep: { profile: "exact" },
    scenarios: [{ env: ["API_TOKEN=very-secret-value"], finish: { kind: "seconds", seconds: 1 } }],
  });

test("a job of the server is worked on by the real engine, and all of it is on the server", async () => {
  const server = await aServer();
  const image = await bench.image(["status", "200"]);
  const tag = `winnow-test-runner-${process.pid}:slim`;
  bench.remember(tag);
  const { jobId } = server.addJob({ request: requestFor(image, tag) });
  const { drain, ended } = aRealRunner(server, engine);
  await until("it is finished", () => server.finishes.has(jobId), 90_000);
  drain();
  expect(await ended).toEqual({ left: 0, error: null });
  expect(server.finishes.get(jobId)?.outcome).toEqual({ state: "succeeded" });
  const report = Report.parse(JSON.parse(String(server.artifacts.get(`${jobId}/report.json`))));
  expect(report).toMatchObject({ verdict: "verified", slim: { tags: [tag] } });
  const deps = { engine, signal: new AbortController().signal };
  expect((await inspectImage(deps, tag)).chainId).toBe(report.slim?.chainId);
  expect(report.artifacts.map(({ name }) => name)).toEqual(expect.arrayContaining(["graph.json", "events.txt.gz"]));
  for (const { name, bytes } of report.artifacts) expect(server.artifacts.get(`${jobId}/${name}`)).toHaveLength(bytes);
  const texts = [...server.artifacts.values(), ...server.log.values()].map(String).join("\n");
  expect(texts).toContain("API_TOKEN=[redacted]");
  expect(texts).not.toContain("very-secret-value");
  expect(String(server.log.get(jobId))).toContain('"stage":"publish"');
  expect(await leftovers(engine, jobId)).toEqual(nothing);
  expect(readdirSync(join(statePath, "tmp"))).toEqual([]);
  expect(server.faults).toEqual([]);
  await server.close();
});

test("a job whose lease is lost leaves nothing on the engine, and no tag", async () => {
  const server = await aServer();
  const image = await bench.image(["status", "200"]);
  const tag = `winnow-test-runner-${process.pid}:lost`;
  const request = requestFor(image, tag);
  const [scenario] = request.scenarios;
  if (scenario) scenario.finish = { kind: "seconds", seconds: 60 };
  const { jobId } = server.addJob({ request });
  const { drain, ended } = aRealRunner(server, engine);
  const containers = async () => (await leftovers(engine, jobId)).containers.length;
  for (let tries = 0; (await containers()) === 0 && tries < 600; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await containers()).toBeGreaterThan(0);
  server.actions.set(jobId, "abandon");
  await until("it claims again", () => server.count("claim") > 1, 60_000);
  expect(await leftovers(engine, jobId)).toEqual(nothing);
  expect(server.finishes.has(jobId)).toBe(false);
  expect(await engine.docker.listImages({ filters: { reference: [tag] } })).toEqual([]);
  drain();
  expect(await ended).toEqual({ left: 0, error: null });
  expect(readdirSync(join(statePath, "tmp"))).toEqual([]);
  expect(server.faults).toEqual([]);
  await server.close();
});

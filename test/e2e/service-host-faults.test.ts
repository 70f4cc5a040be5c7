import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { JobList, JobView } from "#contract/service/job-view.ts";
import { Problem } from "#contract/service/problem.ts";
import { RunnerList } from "#contract/service/runner-view.ts";
import { buildSample, buildSettings } from "../images/build.ts";
import { minioBinary } from "../minio.ts";
import { fakeClock } from "../service/service-process.ts";
import { openServiceBench, type ServiceBench } from "./service-bench.ts";
import { firstEngine } from "./slim-sample.ts";
import { canMount, laySmallDisk, type SmallDisk } from "./small-disk.ts";

const sample = "musl";
const mebibyte = 2 ** 20;
const isPossible = Boolean(minioBinary() && firstEngine);

beforeAll(async () => {
  if (firstEngine) await buildSample(sample, firstEngine.docker, buildSettings(process.env));
}, 600_000);

/** A submission as it is answered. */
const post = ({ service }: ServiceBench) =>
  fetch(`${service.origin}/api/v1/jobs`, {
    method: "POST",
    headers: { authorization: `Bearer ${service.adminToken}`, "content-type": "application/json" },
    body: JSON.stringify({ request: { image: "winnow-test-nowhere:1", kind: "info" }, maxAttempts: 1 }),
  });

const jobsOf = async ({ api }: ServiceBench): Promise<string[]> =>
  (await api.ask("/jobs?limit=100", JobList)).jobs.map(({ id }) => id);

describe.skipIf(!isPossible || !canMount)("a service on small disks", () => {
  const floorGib = 0.016;
  let bench: ServiceBench;
  let runnersDisk: SmallDisk;
  beforeAll(async () => {
    if (!firstEngine) return;
    const runner = { diskFloorGib: floorGib };
    bench = await openServiceBench({ sample, engine: firstEngine, stateBytes: 32 * mebibyte, runner });
    await bench.runner.stop();
    runnersDisk = laySmallDisk(bench.runner.statePath, 64 * mebibyte);
    await bench.runner.startAgain();
  }, 120_000);
  afterAll(async () => {
    await bench?.runner.kill();
    runnersDisk?.remove();
    await bench?.remove();
  });

  it("refuses what it cannot keep, says why, and goes on when there is room again", async () => {
    const before = await jobsOf(bench);
    bench.disk?.fill();
    const refused = await untilRefused(bench);
    bench.disk?.free();
    expect(refused).toMatchObject({ status: 507, code: "disk.full", hint: expect.stringMatching(/Free space/) });
    expect((await post(bench)).status).toBe(201);
    expect(await jobsOf(bench)).toEqual(expect.arrayContaining(before));
  });

  it("loses no job to a disk that is full for a while", async () => {
    const id = await bench.submit();
    await bench.reach(id, "observe");
    bench.disk?.fill();
    await untilRefused(bench);
    await delay(1_000); // the job goes on meanwhile, and nothing that it tells can be kept
    bench.disk?.free();
    const { history } = await bench.expectWhole(id);
    expect(history.map(({ state }) => state)).toEqual(["succeeded"]);
  });

  it("takes no jobs on a host whose disk is below the floor, and says so", async () => {
    const { api, runner } = bench;
    runnersDisk.fill((floorGib / 2) * 2 ** 30);
    const id = await bench.submit();
    const reason = async () => (await api.ask(`/jobs/${id}`, JobView)).waitReason;
    await expect
      .poll(reason, { timeout: 15_000 })
      .toEqual({ code: "paused", text: expect.stringMatching(/disk below/) });
    expect((await api.ask("/runners", RunnerList)).runners).toMatchObject([{ paused: "disk below 0 GiB" }]);
    expect(runner.said()).toContain("taking no jobs");
    runnersDisk.free();
    await bench.expectWhole(id);
  });
});

/** The server may find some room that it had before. */
async function untilRefused(bench: ServiceBench): Promise<Problem> {
  for (let tries = 0; tries < 2_000; tries += 1) {
    const answer = await post(bench);
    if (answer.status !== 201) return Problem.parse(await answer.json());
    bench.disk?.fill();
  }
  throw new Error("a full disk took everything");
}

describe.skipIf(!isPossible)("a service in bad company", () => {
  let clock = "";
  let bench: ServiceBench;
  beforeAll(async () => {
    if (!firstEngine) return;
    clock = join(mkdtempSync(join(tmpdir(), "winnow-clock-")), "clock");
    writeFileSync(clock, "+0");
    // Without libfaketime the clock stays as it is.
    const faked = { LD_PRELOAD: fakeClock() ?? "", FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_NO_CACHE: "1" };
    const env = { ...faked, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
    bench = await openServiceBench({ sample, engine: firstEngine, env });
  }, 120_000);
  afterAll(async () => {
    await bench?.remove();
    rmSync(dirname(clock), { recursive: true });
  });

  it("answers 503 while another process holds the database, and takes the job then", async () => {
    const other = new Database(bench.service.database);
    const before = await jobsOf(bench);
    other.exec("begin immediate");
    const began = performance.now();
    try {
      const refused = await post(bench);
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(Problem.parse(await refused.json())).toMatchObject({ code: "database.busy", retryAfterMs: 1000 });
      await delay(Math.max(0, 6_000 - (performance.now() - began)));
    } finally {
      other.exec("rollback");
      other.close();
    }
    expect(await jobsOf(bench)).toEqual(before);
    const id = await bench.submit();
    await bench.expectWhole(id);
  });

  it.skipIf(!fakeClock())("loses no job when its clock goes an hour forward, and back by two", async () => {
    const id = await bench.submit();
    await bench.reach(id, "observe");
    writeFileSync(clock, "+1h");
    await bench.reach(id, "verify");
    writeFileSync(clock, "-1h");
    const { history } = await bench.expectWhole(id);
    expect(history.map(({ state }) => state)).toEqual(["succeeded"]);
    writeFileSync(clock, "+0");
  });
});

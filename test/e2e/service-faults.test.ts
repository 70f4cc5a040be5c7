import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { JobView } from "#contract/service/job-view.ts";
import { buildSample, buildSettings } from "../images/build.ts";
import { minioBinary } from "../minio.ts";
import { openServiceBench, type ServiceBench, type Stage, stages } from "./service-bench.ts";
import { firstEngine } from "./slim-sample.ts";

const sample = "musl";

type Part = "server" | "runner" | "paused runner" | "store";

/** How the attempts of a job end that meets the fault; after `finish` was sent, it may be done already. */
const ends: Record<Part, readonly string[]> = {
  server: ["succeeded"],
  runner: ["lost", "succeeded"],
  "paused runner": ["lost", "succeeded"],
  store: ["succeeded"],
};

/** A part is killed and comes back, or stands still for longer than its lease. */
const meet: Record<Part, (bench: ServiceBench, id: string) => Promise<void>> = {
  async server({ service }) {
    await service.kill();
    await delay(1_000);
    await service.startAgain();
  },
  async runner({ runner }) {
    await runner.kill();
    await runner.startAgain();
  },
  async "paused runner"({ runner, until }, id) {
    process.kill(runner.pid(), "SIGSTOP");
    try {
      await until(id, ({ history, finishedAt }) => history.at(-1)?.state === "lost" || finishedAt !== null);
    } finally {
      process.kill(runner.pid(), "SIGCONT");
    }
  },
  async store({ minio }) {
    await minio.kill();
    await delay(1_500);
    await minio.startAgain();
  },
};

/** Every part in some stages and every stage with some part; WINNOW_FAULTS=all takes them all. */
const sampled: [Part, Stage][] = [
  ["server", "select"],
  ["server", "upload"],
  ["server", "finish"],
  ["runner", "index"],
  ["runner", "rebuild"],
  ["runner", "upload"],
  ["paused runner", "observe"],
  ["paused runner", "bare"],
  ["store", "verify"],
  ["store", "upload"],
];
const parts = Object.keys(meet) as Part[]; // its type says so
const whole = parts.flatMap((part) => stages.map((stage): [Part, Stage] => [part, stage]));
const cells = process.env.WINNOW_FAULTS === "all" ? whole : sampled;

describe.skipIf(!minioBinary() || !firstEngine)("a service whose parts die", () => {
  let bench: ServiceBench;
  beforeAll(async () => {
    if (!firstEngine) return;
    await buildSample(sample, firstEngine.docker, buildSettings(process.env));
    bench = await openServiceBench({ sample, engine: firstEngine });
  }, 600_000);
  afterAll(() => bench?.remove());

  it.each(cells)("ends a job once and whole: the %s, in %s", async (part, stage) => {
    const id = await bench.submit();
    const at = await bench.reach(id, stage);
    await meet[part](bench, id);
    const { history } = await bench.expectWhole(id);
    const wanted = stage === "finish" ? expect.toBeOneOf([ends[part], ["succeeded"]]) : ends[part];
    expect({ at, attempts: history.map(({ state }) => state) }).toEqual({ at, attempts: wanted });
  });

  it.each(["observe", "verify"] as const)("ends a job that is canceled in %s, and its containers", async (stage) => {
    const { api, service, runner } = bench;
    const id = await bench.submit();
    await bench.reach(id, stage);
    const askedAt = performance.now();
    await api.ask(`/jobs/${id}/cancel`, JobView, { method: "POST" });
    const job = await bench.until(id, ({ finishedAt }) => finishedAt !== null, 25_000);
    expect(performance.now() - askedAt).toBeLessThan(15_000);
    expect([job.state, job.history.map(({ state }) => state)]).toEqual(["canceled", ["canceled"]]);
    await bench.expectNothingLeft(id);
    expect(runner.said()).not.toContain("the runner ends");
    expect(service.said()).not.toContain("canceled by the server");
  });

  it("lets a runner that is asked to end finish its job, and exit with 0", async () => {
    const { runner } = bench;
    const id = await bench.submit();
    await bench.reach(id, "observe");
    expect(await runner.stop()).toBe(0);
    expect(bench.read(id)).toMatchObject({ state: "succeeded", attempts: 1 });
    await runner.startAgain();
    await bench.expectWhole(id);
  });

  it("ends a runner whose token is revoked, with its containers, and gives its job to the next", async () => {
    const { api, runner } = bench;
    const id = await bench.submit();
    await bench.reach(id, "verify");
    const revokedAt = performance.now();
    await api.tell(`/runners/${bench.read(id).runner?.id}?force=1`, { method: "DELETE" });
    expect(await runner.ended()).toBe(2);
    expect(performance.now() - revokedAt).toBeLessThan(15_000);
    await bench.expectNothingLeft(id);
    const waiting = await api.ask(`/jobs/${id}`, JobView);
    expect(waiting).toMatchObject({ state: "queued", waitReason: { code: "no-runner" } });
    await runner.startAgain();
    const { history } = await bench.expectWhole(id);
    expect(history.map(({ state }) => state)).toEqual(["lost", "succeeded"]);
  });
});

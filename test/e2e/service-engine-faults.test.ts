import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectEngine } from "#runner/docker/connect.ts";
import { buildSample, buildSettings } from "../images/build.ts";
import { carrySamples } from "../images/carry.ts";
import { minioBinary } from "../minio.ts";
import { engineBinaries, type PrivateEngine, startPrivateEngine } from "./private-engine.ts";
import { openServiceBench, type ServiceBench, type Stage, stages } from "./service-bench.ts";
import { firstEngine } from "./slim-sample.ts";

const sample = "busybox-static";
const bin = engineBinaries();

/** WINNOW_FAULTS=all takes all stages; a job rests for half a minute after its engine died, and others meet theirs meanwhile. */
const sampled: Stage[] = ["observe", "rebuild", "verify"];
const cells = process.env.WINNOW_FAULTS === "all" ? stages : sampled;

// Without the binaries of infra/second-engine.sh, or root, there is no engine that a test may kill.
describe.skipIf(!minioBinary() || !firstEngine || !bin)("a service whose engine dies", () => {
  let own: PrivateEngine;
  let bench: ServiceBench;
  beforeAll(async () => {
    if (!firstEngine || !bin) return;
    await buildSample(sample, firstEngine.docker, buildSettings(process.env));
    own = await startPrivateEngine(bin);
    const engine = await connectEngine({ host: own.host, env: {} });
    await carrySamples(firstEngine, engine, [sample]);
    bench = await openServiceBench({ sample, engine });
  }, 600_000);
  afterAll(async () => {
    await bench?.remove();
    await own?.remove();
  });

  it(`ends each job once and whole that its engine left in ${cells.join(", ")}`, async () => {
    const met: { id: string; stage: Stage; at: string | null }[] = [];
    for (const stage of cells) {
      const id = await bench.submit({ priority: -met.length }); // those that have rested come first
      const at = await bench.reach(id, stage);
      await own.kill();
      await bench.until(id, ({ history }) => history.at(-1)?.state !== "running");
      await own.startAgain();
      met.push({ id, stage, at });
    }
    for (const { id, stage, at } of met) {
      const { history } = await bench.expectWhole(id);
      const ends = history.map(({ state, error }) => ({ state, code: error?.code }));
      const broken = { state: expect.stringMatching(/^(failed|lost)$/), code: expect.stringMatching(retried) };
      const done = { state: "succeeded", code: undefined };
      // What is uploaded does not need an engine any more.
      const isLate = stage === "upload" || stage === "finish";
      expect({ stage, at, ends }).toEqual({ stage, at, ends: isLate && ends.length === 1 ? [done] : [broken, done] });
    }
    expect(bench.runner.said()).toContain("the engine does not answer");
  }, 300_000);
});

const retried = /^(docker\.unavailable|docker\.failed|lease\.lost|runner\.lost)$/;

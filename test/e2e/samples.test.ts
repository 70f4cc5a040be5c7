import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import { JobRequest } from "#contract/job.ts";
import { Report } from "#contract/report.ts";
import type { Engine } from "#runner/docker/engine.ts";
import { enginesUnderTest } from "#runner/docker/engine-under-test.ts";
import { inspectImage, removeImage } from "#runner/docker/images.ts";
import { leftovers } from "#runner/docker/sweep.ts";
import { slim } from "#runner/pipeline.ts";
import { compareConfig } from "#runner/stages/fidelity.ts";
import { testDeps } from "../deps.ts";
import { buildSample, buildSettings, imageOf, sampleNamed, sampleNames } from "../images/build.ts";
import { carrySamples } from "../images/carry.ts";
import { checkSample } from "../images/check.ts";
import { relayTransport } from "./relay-transport.ts";

// `WINNOW_SAMPLES=redis,java` limits the run.
const names = process.env.WINNOW_SAMPLES?.split(",") ?? sampleNames();
const engines = await enginesUnderTest(process.env);
const [first] = engines;

beforeAll(async () => {
  for (const name of names) if (first) await buildSample(name, first.docker, buildSettings(process.env));
}, 1_800_000);

const made: { engine: Engine; tag: string }[] = [];
afterAll(async () => {
  for (const { engine, tag } of made) await removeImage({ engine }, tag);
});

type Given = Partial<Pick<z.input<typeof JobRequest>, "scenarios" | "keep">>;

/** One job on a sample, and all that must hold of its result: verdict, report, config, digests, and the sample's own functional check. */
async function expectSlimToWork(name: string, engine: Engine, given: Given): Promise<void> {
  const sample = sampleNamed(name);
  const profile = given.keep?.profile ?? "exact";
  const tag = `winnow-e2e-${name}:${profile}`;
  const deps = await testDeps({ engine });
  const report = await slim(JobRequest.parse({ image: imageOf(name), run: sample.run, tags: [tag], ...given }), deps);
  made.push({ engine, tag });

  expect(report.verdictReason).toSatisfy((reason) => reason === null || report.verdict === "repaired");
  expect(["verified", "repaired"]).toContain(report.verdict);
  expect(Report.parse(JSON.parse(String(deps.stored.get("report.json"))))).toEqual(JSON.parse(JSON.stringify(report)));
  expect(await leftovers(engine, deps.jobId)).toEqual(nothing);

  const fat = await inspectImage(deps, imageOf(name));
  const made1 = await inspectImage(deps, tag);
  expect(compareConfig(fat.config, made1.config)).toEqual([]);
  expect(made1.diffIds).toEqual(report.slim?.diffIds);
  // The engines call an image by different digests; both are digests that we computed.
  expect([report.slim?.configDigest, report.slim?.manifestDigest]).toContain(made1.id);
  expect(report.slim?.rootfsBytes).toBeLessThan(report.fat.rootfsBytes);

  const { transport, close } = await relayTransport(deps, fat.id);
  try {
    const { failures, steps } = await checkSample(sample, tag, engine.docker, transport);
    expect(failures).toEqual([]);
    expect(steps).toBeGreaterThan(2);
  } finally {
    await close();
  }
}

describe.each(engines.map((engine) => ({ engine, storage: engine.facts.storage })))(
  "with every endpoint probed, on $storage",
  ({ engine }) => {
    beforeAll(async () => {
      if (first && engine !== first) await carrySamples(first, engine, names);
    }, 1_800_000);

    test.each(names)("the slim image of %s does all that the fat one does", { timeout: 600_000 }, async (name) => {
      await expectSlimToWork(name, engine, { scenarios: sampleNamed(name).scenarios, keep: { profile: "exact" } });
    });
  },
);

describe.skipIf(first === undefined)("with the default probe only, profile safe", () => {
  test.each(names)("the slim image of %s does what was never observed", { timeout: 600_000 }, async (name) => {
    if (first) await expectSlimToWork(name, first, { keep: { profile: "safe" } });
  });
});

const nothing = { containers: [], images: [], networks: [], volumes: [] };

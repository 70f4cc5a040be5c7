import { afterAll, beforeAll, expect } from "vitest";
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

/** The samples to test: all, or those of `WINNOW_SAMPLES=redis,java`. */
export const names = process.env.WINNOW_SAMPLES?.split(",") ?? sampleNames();

export const [firstEngine, ...otherEngines] = await enginesUnderTest(process.env);

/** For a test file: the sample images are on `engine`, and what the file's jobs tagged there goes when it ends. */
export function useSamples(engine: Engine): void {
  beforeAll(async () => {
    if (!firstEngine) return;
    for (const name of names) await buildSample(name, firstEngine.docker, buildSettings(process.env));
    if (engine !== firstEngine) await carrySamples(firstEngine, engine, names);
  }, 1_800_000);
  afterAll(async () => {
    for (const made of tags) if (made.engine === engine) await removeImage({ engine }, made.tag);
  });
}

const tags: { engine: Engine; tag: string }[] = [];
const nothing = { containers: [], images: [], networks: [], volumes: [] };

type Given = Partial<Pick<z.input<typeof JobRequest>, "scenarios" | "keep">>;

/** One job on a sample, and all that must hold of its result: verdict, report, config, digests, and the sample's own functional check. */
export async function expectSlimToWork(name: string, engine: Engine, given: Given): Promise<void> {
  const sample = sampleNamed(name);
  const tag = `winnow-e2e-${name}:${given.keep?.profile ?? "default"}`;
  const deps = await testDeps({ engine });
  const report = await slim(JobRequest.parse({ image: imageOf(name), run: sample.run, tags: [tag], ...given }), deps);
  tags.push({ engine, tag });

  expect(report.verdictReason).toSatisfy((reason) => reason === null || report.verdict === "repaired");
  expect(["verified", "repaired"]).toContain(report.verdict);
  expect(Report.parse(JSON.parse(String(deps.stored.get("report.json"))))).toEqual(JSON.parse(JSON.stringify(report)));
  expect(await leftovers(engine, deps.jobId)).toEqual(nothing);

  const fat = await inspectImage(deps, imageOf(name));
  const made = await inspectImage(deps, tag);
  expect(compareConfig(fat.config, made.config)).toEqual([]);
  expect(made.diffIds).toEqual(report.slim?.diffIds);
  // The engines call an image by different digests; both are digests that we computed.
  expect([report.slim?.configDigest, report.slim?.manifestDigest]).toContain(made.id);
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

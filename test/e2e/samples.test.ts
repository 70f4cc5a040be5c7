import { describe, test } from "vitest";
import { sampleNamed } from "../images/build.ts";
import { expectSlimToWork, firstEngine, names, useSamples } from "./slim-sample.ts";

if (!firstEngine) throw new Error("no engine to test on");
const engine = firstEngine;
useSamples(engine);

describe(`with every endpoint probed, on ${engine.facts.storage}`, () => {
  test.each(names)("the slim image of %s does all that the fat one does", { timeout: 600_000 }, async (name) => {
    await expectSlimToWork(name, engine, { scenarios: sampleNamed(name).scenarios, keep: { profile: "exact" } });
  });
});

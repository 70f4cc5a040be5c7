import { describe, test } from "vitest";
import { expectSlimToWork, firstEngine, names, useSamples } from "./slim-sample.ts";

if (!firstEngine) throw new Error("no engine to test on");
const engine = firstEngine;
useSamples(engine);

describe("with the default probe only, in the default profile", () => {
  test.each(names)("the slim image of %s does what was never observed", { timeout: 600_000 }, async (name) => {
    await expectSlimToWork(name, engine, {});
  });
});

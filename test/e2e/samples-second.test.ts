import { describe, test } from "vitest";
import { sampleNamed } from "../images/build.ts";
import { expectSlimToWork, names, otherEngines, useSamples } from "./slim-sample.ts";

// A file of its own, as `samples-safe.test.ts` is: files run beside each other.
describe
  .skipIf(otherEngines.length === 0)
  .each(otherEngines.map((engine) => ({ engine, storage: engine.facts.storage })))(
  "with every endpoint probed, on $storage",
  ({ engine }) => {
    useSamples(engine);

    test.each(names)("the slim image of %s does all that the fat one does", { timeout: 600_000 }, async (name) => {
      await expectSlimToWork(name, engine, { scenarios: sampleNamed(name).scenarios, keep: { profile: "exact" } });
    });
  },
);

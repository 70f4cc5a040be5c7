import { describe, test } from "vitest";
import { sampleNamed } from "../images/build.ts";
import { expectSlimToWork, names, otherEngines, useSamples } from "./slim-sample.ts";

/** These show what a runtime's keep rules do, in which the engine has no part; the other files test them on the first. */
const onRules = [
  ...["erlang", "health-curl", "node-npm-start", "php-apache", "python-cli", "python-django", "python-fastapi"],
  "worker-processes",
];

// A file of its own, as `samples-safe.test.ts` is: files run beside each other.
describe
  .skipIf(otherEngines.length === 0)
  .each(otherEngines.map((engine) => ({ engine, storage: engine.facts.storage })))(
  "with every endpoint probed, on $storage",
  ({ engine }) => {
    useSamples(engine);

    test.each(names.filter((name) => !onRules.includes(name)))(
      "the slim image of %s does all that the fat one does",
      { timeout: 600_000 },
      async (name) => {
        await expectSlimToWork(name, engine, { scenarios: sampleNamed(name).scenarios, keep: { profile: "exact" } });
      },
    );
  },
);

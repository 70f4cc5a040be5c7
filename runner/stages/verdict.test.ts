import { expect, test } from "vitest";
import type { Difference, Round } from "#contract/report.ts";
import { decideVerdict } from "./verdict.ts";

const difference: Difference = { scenario: "default", target: "http://:80/", field: "status", fat: "200", slim: "500" };
const aRound = (change: Partial<Round> = {}): Round => ({
  round: 1,
  differences: [],
  missing: [],
  repairs: [],
  units: [],
  ...change,
});
const decide = (change: Partial<Parameters<typeof decideVerdict>[0]> = {}) =>
  decideVerdict({ rounds: [aRound()], bareDifferences: [], exercised: true, cleanedOnly: false, ...change });

test("an image that answers alike in both runs is verified", () => {
  expect(decide()).toEqual({ verdict: "verified", reason: null });
});

test("it is repaired when it took repairs to get there", () => {
  const rounds = [aRound({ differences: [difference], repairs: ["/a"] }), aRound({ round: 2 })];
  expect(decide({ rounds })).toEqual({ verdict: "repaired", reason: "1 round of repair" });
});

test("a difference in the last observed run fails it, whatever came before", () => {
  const rounds = [aRound(), aRound({ round: 2, differences: [difference] })];
  expect(decide({ rounds })).toMatchObject({
    verdict: "failed",
    reason: expect.stringContaining("status was 200, is 500"),
  });
});

test("a difference that shows only without the sensor fails it", () => {
  expect(decide({ bareDifferences: [difference] })).toMatchObject({
    verdict: "failed",
    reason: expect.stringMatching(/^Without/),
  });
});

test("without an answered probe or an ended command nothing is proved", () => {
  expect(decide({ exercised: false }).verdict).toBe("not-exercised");
  expect(decide({ exercised: false, cleanedOnly: true })).toMatchObject({
    verdict: "not-exercised",
    reason: expect.stringContaining("only documents, caches and package lists"),
  });
});

test("a failure after repairs says how many there were, what differs, and what is still missing", () => {
  const differences = ["/a", "/b", "/c", "/d"].map((target) => ({ ...difference, target }));
  const rounds = [aRound({ repairs: ["/x"] }), aRound({ round: 2, differences, missing: ["/y"] })];
  const { reason } = decide({ rounds });
  expect(reason).toMatch(
    /^After 1 round of repair 4 answers differ .*, \/a: .*\/c: .*; and 1 more; .* in vain for \/y$/,
  );
});

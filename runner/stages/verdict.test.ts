import { expect, test } from "vitest";
import type { Difference, Round } from "#contract/report.ts";
import { decideVerdict } from "./verdict.ts";

const difference: Difference = { scenario: "default", target: "http://:80/", field: "status", fat: "200", slim: "500" };
const aRound = (change: Partial<Round> = {}): Round => ({
  round: 1,
  differences: [],
  missing: [],
  repairs: [],
  ...change,
});
const decide = (change: Partial<Parameters<typeof decideVerdict>[0]> = {}) =>
  decideVerdict({ rounds: [aRound()], bareDifferences: [], exercised: true, repaired: false, ...change });

test("an image that answers alike in both runs is verified", () => {
  expect(decide()).toEqual({ verdict: "verified", reason: null });
});

test("it is repaired when it took repairs to get there", () => {
  const rounds = [aRound({ differences: [difference], repairs: ["/a"] }), aRound({ round: 2 })];
  expect(decide({ rounds, repaired: true })).toEqual({ verdict: "repaired", reason: "1 rounds of repair" });
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
});

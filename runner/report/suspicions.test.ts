import { expect, test } from "vitest";
import { suspicions } from "./suspicions.ts";

const codes = (change: Partial<Parameters<typeof suspicions>[0]>) =>
  suspicions({ verdict: "verified", ratio: 20, listened: true, ...change }).map(({ code }) => code);

test("a result that was not exercised is suspicious, and a very small one that never listened", () => {
  expect(codes({})).toEqual([]);
  expect(codes({ verdict: "not-exercised" })).toEqual(["result.not-exercised"]);
  expect(codes({ ratio: 301, listened: false })).toEqual(["result.suspicious"]);
  expect(codes({ ratio: 300, listened: false })).toEqual([]);
  expect(codes({ ratio: 5000 })).toEqual([]);
  expect(codes({ verdict: "failed", ratio: 5000, listened: false })).toEqual([]);
});

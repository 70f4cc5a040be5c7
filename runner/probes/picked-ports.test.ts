import { expect, test } from "vitest";
import { namedAsBefore } from "./picked-ports.ts";
import type { Listener } from "./readiness.ts";

const on = (port: number, address = "0.0.0.0"): Listener => ({ family: "tcp", address, port, uid: 0 });
const as = (port: number, boundPort: number): Listener => ({ ...on(port), boundPort });

test("a port that was picked anew has the number of the one that it replaces", () => {
  expect(namedAsBefore([on(80), on(41_234)], [80, 35_000], [80])).toEqual([on(80), as(35_000, 41_234)]);
  expect(namedAsBefore([on(50_002), on(50_001)], [35_000, 35_005], [])).toEqual([
    as(35_005, 50_002),
    as(35_000, 50_001),
  ]);
});

test("a port that was not picked, is exposed, or was there before keeps its number", () => {
  const same = [on(8080), on(50_051), on(33_060), on(61_000)];
  expect(namedAsBefore(same, [50_051, 40_000], [33_060])).toEqual(same);
});

test("a picked port that nothing was seen on before is left out, on each of its addresses", () => {
  expect(namedAsBefore([on(80), on(33_691), on(33_691, "::1")], [80], [])).toEqual([on(80)]);
  expect(namedAsBefore([on(33_691), on(33_692)], [40_000], [])).toEqual([as(40_000, 33_691)]);
});

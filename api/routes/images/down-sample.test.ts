import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TrendPoint } from "#contract/service/image-view.ts";
import { downSample } from "./down-sample.ts";

const aPoint = (at: number, fatBytes: number, slimBytes: number | null): TrendPoint => ({
  jobId: `job_${at}`,
  at,
  image: "web:1",
  architecture: "amd64",
  fatBytes,
  slimBytes,
  ratio: null,
  verdict: null,
});

const points = fc
  .array(fc.tuple(fc.nat(1e9), fc.option(fc.nat(1e9))), { maxLength: 3000 })
  .map((sizes) => sizes.map(([fat, slim], at) => aPoint(at, fat, slim)));

describe("a long trend", () => {
  it("keeps its order, its ends and its peaks, in no more points than asked for", () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 6, max: 400 }), (all, most) => {
        const kept = downSample(all, most);
        expect(kept.length).toBeLessThanOrEqual(most);
        expect(kept.map(({ at }) => at)).toEqual([...new Set(kept.map(({ at }) => at))].sort((a, b) => a - b));
        expect([kept.at(0), kept.at(-1)]).toEqual([all.at(0), all.at(-1)]);
        for (const sizesOf of [
          (some: TrendPoint[]) => some.map(({ fatBytes }) => fatBytes),
          (some: TrendPoint[]) => some.flatMap(({ slimBytes }) => slimBytes ?? []),
        ])
          for (const pick of [Math.min, Math.max]) expect(pick(...sizesOf(kept))).toBe(pick(...sizesOf(all)));
      }),
    );
  });

  it("is left as it is when it is short", () => {
    const few = [aPoint(1, 10, 5), aPoint(2, 11, null)];
    expect(downSample(few, 2000)).toEqual(few);
  });
});

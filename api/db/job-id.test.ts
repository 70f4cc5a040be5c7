import { expect, it } from "vitest";
import { newJobId } from "./job-id.ts";

it("a job's id sorts by its time", () => {
  const times = [0, 31, 32, 1_800_000_000_000, 1_800_000_000_001, 32 ** 9 - 1];
  const ids = times.map((time) => newJobId(time));
  expect(ids.toSorted()).toEqual(ids);
  expect(ids[0]).toMatch(/^job_000000000[0-9a-z]{7}$/);
});

it.each([-1, -1_800_000_000_000, 0.5, Number.NaN])("a clock at %d gives an id all the same", (time) => {
  expect(newJobId(time)).toMatch(/^job_0{9}[0-9a-z]{7}$/);
});

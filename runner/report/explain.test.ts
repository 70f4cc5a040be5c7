import { expect, test } from "vitest";
import { explain, hopsOf } from "./explain.ts";

const repaired = (detail?: string) =>
  explain("/srv/b", hopsOf([{ path: "/srv/b", kind: "repaired", by: "verify", ...(detail ? { detail } : {}) }]));

test("what was missing and what came back with it are told apart", () => {
  expect(repaired()).toBe("/srv/b ← missing in the slim image, found by verification");
  expect(repaired("unit of /srv/a")).toBe("/srv/b ← repair: unit of /srv/a");
});

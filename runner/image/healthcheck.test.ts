import { expect, test } from "vitest";
import { healthProbe } from "./healthcheck.ts";

const second = 1e9;

test.each([
  [["CMD", "curl", "-f", "http://localhost"], undefined, ["curl", "-f", "http://localhost"]],
  [
    ["CMD-SHELL", "curl -f http://localhost || exit 1"],
    undefined,
    ["/bin/sh", "-c", "curl -f http://localhost || exit 1"],
  ],
  [
    ["CMD-SHELL", "check"],
    ["/bin/bash", "-ec"],
    ["/bin/bash", "-ec", "check"],
  ],
])("%j is run as the engine runs it", (Test, Shell, argv) => {
  expect(healthProbe({ Healthcheck: { Test }, Shell })).toMatchObject({ kind: "exec", argv, expectExit: 0 });
});

test.each([[["NONE"]], [["CMD"]], [[]], [["SHELL", "x"]], [undefined]])("%j is none", (Test) => {
  expect(healthProbe({ Healthcheck: { Test } })).toBeUndefined();
  expect(healthProbe({})).toBeUndefined();
});

test("it is tried as often as the engine would, and throughout the start period, but at least once a second", () => {
  const patience = (more: object) => healthProbe({ Healthcheck: { Test: ["CMD", "x"], ...more } })?.health;
  expect(patience({})).toEqual({ tries: 3, everyMs: 1000, timeoutMs: 30_000 });
  expect(patience({ Interval: second / 2, Timeout: 3 * second, Retries: 5 })).toEqual({
    tries: 5,
    everyMs: 500,
    timeoutMs: 3000,
  });
  expect(patience({ StartPeriod: 10 * second })?.tries).toBe(13);
  expect(patience({ StartPeriod: 3600 * second })?.tries).toBe(33);
});

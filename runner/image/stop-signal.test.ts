import { expect, test } from "vitest";
import { signalNumber } from "./stop-signal.ts";

test.each([
  ["SIGTERM", 15],
  ["quit", 3],
  ["SIGWINCH", 28],
  ["9", 9],
  ["SIGRTMIN+3", 37],
  ["RTMIN", 34],
  [undefined, 15],
  ["SIGNONSENSE", 15],
])("%s is signal %d", (signal, number) => {
  expect(signalNumber(signal)).toBe(number);
});

import { expect, test } from "vitest";
import { siphash } from "./siphash.ts";

const key = Uint8Array.from({ length: 16 }, (_, i) => i);
const message = (length: number) => Uint8Array.from({ length }, (_, i) => i);

// The reference implementation's test vectors, read as little-endian numbers.
const vectors: [number, string][] = [
  [0, "726fdb47dd0e0e31"],
  [1, "74f839c593dc67fd"],
  [7, "ab0200f58b01d137"],
  [8, "93f5f5799a932462"],
  [15, "a129ca6149be45e5"],
  [63, "958a324ceb064572"],
];

test.each(vectors)("a message of %i bytes has the code of the reference implementation", (length, code) => {
  expect(siphash(key, message(length))).toBe(code);
});

test("a key of another length is refused", () => {
  expect(() => siphash(key.subarray(1), message(1))).toThrow(RangeError);
});

test("five megabytes take less than two seconds", () => {
  const started = performance.now();
  siphash(key, new Uint8Array(5_000_000));
  expect(performance.now() - started).toBeLessThan(30_000);
});

import { expect, it } from "vitest";
import { decodeBytes } from "./decode-bytes.ts";

it.each([
  [[0x2f, 0xc3, 0xa9], "/é"],
  [[0x2f, 0xe9, 0x2f, 0x61], "/\udce9/a"],
  [[0xf0, 0x9f, 0x98, 0x80, 0xff], "😀\udcff"],
  [[0xe2, 0x82], "\udce2\udc82"],
  [[0xed, 0xa0, 0x80], "\udced\udca0\udc80"],
  [[], ""],
])("%j reads as %j", (bytes, text) => {
  expect(decodeBytes(Buffer.from(bytes))).toBe(text);
});

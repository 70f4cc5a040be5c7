import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBytes, encodeBytes, unescapeText } from "./byte-text.ts";

test("valid UTF-8 is read as it is", () => {
  expect(decodeBytes(Buffer.from("/srv/straße/😀"))).toBe("/srv/straße/😀");
});

test("a byte that is not UTF-8 becomes a lone surrogate", () => {
  expect(decodeBytes(Buffer.from([0x61, 0xff, 0x62]))).toBe("a\udcffb");
});

test("overlong forms and encoded surrogates are not UTF-8", () => {
  expect(decodeBytes(Buffer.from([0xc0, 0xaf]))).toBe("\udcc0\udcaf");
  expect(decodeBytes(Buffer.from([0xed, 0xb2, 0x80]))).toBe("\udced\udcb2\udc80");
});

test("a sequence that is cut short is not UTF-8", () => {
  expect(decodeBytes(Buffer.from([0xf0, 0x9f, 0x98]))).toBe("\udcf0\udc9f\udc98");
});

test("a byte order mark is kept", () => {
  expect(encodeBytes(decodeBytes(Buffer.from([0xef, 0xbb, 0xbf, 0x61])))).toEqual(
    Buffer.from([0xef, 0xbb, 0xbf, 0x61]),
  );
});

test("all bytes survive the way into text and back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(encodeBytes(decodeBytes(bytes))).toEqual(Buffer.from(bytes));
    }),
  );
});

test("escapes of control bytes and the backslash are taken out", () => {
  expect(unescapeText("/a\\x09b\\x5cx41\\x0a")).toBe("/a\tb\\x41\n");
});

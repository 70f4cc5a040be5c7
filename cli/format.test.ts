import { expect, it } from "vitest";
import { escapeControl, escapeLines } from "./escape.ts";
import { formatAge, formatBytes, formatDuration, formatTable } from "./format.ts";

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1536, "1.5 KiB"],
  [(1 << 20) - 1, "1.0 MiB"],
  [12_700_000, "12.1 MiB"],
  [196_500_000, "187 MiB"],
  [1.5 * 2 ** 30, "1.5 GiB"],
  [5000 * 2 ** 40, "5000 TiB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it.each([
  [40, "0.0 s"],
  [12_340, "12.3 s"],
  [59_949, "59.9 s"],
  [59_999, "1 min 0 s"],
  [125_000, "2 min 5 s"],
])("%d ms are %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

it("an age has one unit, and a clock that went back gives none below zero", () => {
  expect([-5000, 59_000, 3_599_000, 7_200_000, 90_000_000].map(formatAge)).toEqual([
    "0 s",
    "59 s",
    "59 min",
    "2 h",
    "1 d",
  ]);
});

it("columns line up, without blanks at the end of a line", () => {
  expect(
    formatTable([
      ["a", "bb", "c"],
      ["aaa", "b", ""],
    ]),
  ).toBe("a    bb  c\naaa  b");
});

it("nothing from an image can command the terminal", () => {
  expect(escapeControl("/a\x1b[2Jb\r\n\x07\x7f\x9b\u202egpj.exe\ud800")).toBe(
    String.raw`/a\x1b[2Jb\x0d\x0a\x07\x7f\x9b\u202egpj.exe\ud800`,
  );
  expect(escapeControl("/usr/share/grün 日本 🙂")).toBe("/usr/share/grün 日本 🙂");
  expect(escapeLines("a\tb\r\nc\x1b[31m")).toBe(String.raw`a${"\t"}b${"\n"}c\x1b[31m`);
});

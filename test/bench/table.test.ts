import { expect, test } from "vitest";
import { median, spread, table, verdictOf } from "./table.ts";

test("a median is the middle, or the mean of the two in the middle", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([7])).toBe(7);
});

test("one measurement has no spread", () => {
  expect(spread([1.234], 2)).toBe("1.23");
  expect(spread([1, 3, 2], 1)).toBe("2.0 (1.0-3.0)");
  expect(spread([], 1)).toBe("-");
});

test("goals that were not measured are neither met nor missed", () => {
  expect(verdictOf([{ name: "size", isMet: undefined }])).toBe("-");
  expect(
    verdictOf([
      { name: "size", isMet: true },
      { name: "time", isMet: undefined },
    ]),
  ).toBe("met");
  expect(
    verdictOf([
      { name: "size", isMet: false },
      { name: "time", isMet: true },
    ]),
  ).toBe("NOT MET: size");
});

test("columns of numbers stand to the right", () => {
  expect(
    table(
      ["image", "MB"],
      [
        ["node", "94.8"],
        ["busybox", undefined],
        ["go", 112],
      ],
    ),
  ).toBe(["image      MB", "-------  ----", "node     94.8", "busybox     -", "go        112"].join("\n"));
});

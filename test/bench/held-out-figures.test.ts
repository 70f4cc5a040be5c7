import { expect, test } from "vitest";
import type { KeepSet, Reason } from "#runner/keep-set.ts";
import { parseIndex, type Rootfs } from "#runner/rootfs.ts";
import { additions, keptBytes, lacking, percentile, sizeGoals } from "./held-out-figures.ts";

type File = { size?: number; inode?: string; links?: number; target?: string };

function aRootfs(files: Record<string, File>): Rootfs {
  const lines = Object.entries(files).map(
    ([path, { size = 0, inode = path, links = 1, target = "" }]) =>
      `${target ? "l" : "f"}\t644\t0\t0\t${size}\t0\t0\t${inode}\t${links}\t-\t-\t${path}\t${target}\n`,
  );
  return parseIndex(`d\t755\t0\t0\t0\t0\t0\troot\t1\t-\t-\t/\t\n${lines.join("")}`);
}

const seen: Reason = { kind: "observed", by: "default" };
const aKeepSet = (...kept: [string, Reason?][]): KeepSet =>
  new Map(kept.map(([path, reason]) => [path, reason ?? seen]));

test("kept bytes are those of regular files, hard links once", () => {
  const hard = { size: 7, inode: "1:1", links: 2 };
  const rootfs = aRootfs({ "/a": { size: 100 }, "/b": hard, "/c": hard, "/l": { target: "a" }, "/no": { size: 1000 } });
  expect(keptBytes(rootfs, aKeepSet(["/"], ["/a"], ["/b"], ["/c"], ["/l"]))).toBe(107);
});

test("a percentile is a value that was measured", () => {
  const tens = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1];
  expect(percentile(tens, 0.9)).toBe(9);
  expect(percentile([1, 5, 3], 0.9)).toBe(5);
  expect(percentile([4], 0.9)).toBe(4);
  expect(percentile([4], 0)).toBe(4);
  expect(percentile([], 0.9)).toBeNaN();
});

test("names what a keep set has not", () => {
  expect(lacking(["/c", "/a", "/b"], aKeepSet(["/b"], ["/z"]))).toEqual(["/a", "/c"]);
});

test("additions are the kept files that were not opened, by rule, the largest first", () => {
  const rootfs = aRootfs({ "/used": { size: 50 }, "/a": { size: 1 }, "/b": { size: 20 }, "/lib": { size: 5 } });
  const kept = aKeepSet(
    ["/"],
    ["/used"],
    ["/a", { kind: "rule", by: "locale" }],
    ["/lib", { kind: "script", by: "/used", detail: "import" }],
    ["/b", { kind: "rule", by: "locale" }],
  );
  expect(additions(rootfs, kept, new Set(["/used"]))).toEqual([
    {
      by: "rule locale",
      bytes: 21,
      largest: [
        { path: "/b", bytes: 20 },
        { path: "/a", bytes: 1 },
      ],
    },
    { by: "script import", bytes: 5, largest: [{ path: "/lib", bytes: 5 }] },
  ]);
});

test("what a program needs is charged to the rule that keeps the program", () => {
  const rootfs = aRootfs({
    "/tool": { size: 1 },
    "/lib.so": { target: "lib.so.1" },
    "/lib.so.1": { size: 20 },
    "/own.so": { size: 300 },
  });
  const kept = aKeepSet(
    ["/app"],
    ["/tool", { kind: "unit", by: "/app", detail: "package tools" }],
    ["/lib.so", { kind: "needed", by: "/tool", detail: "lib.so" }],
    ["/lib.so.1", { kind: "target", by: "/lib.so" }],
    ["/own.so", { kind: "needed", by: "/app", detail: "own.so" }],
  );
  expect(additions(rootfs, kept, new Set(["/app"])).map(({ by, bytes }) => [by, bytes])).toEqual([
    ["observed default", 300],
    ["unit package tools", 21],
  ]);
});

test("another name of an opened file adds nothing", () => {
  const hard = { size: 7, inode: "1:1", links: 2 };
  const rootfs = aRootfs({ "/one": hard, "/other": hard });
  expect(additions(rootfs, aKeepSet(["/one"], ["/other"]), new Set(["/one"]))).toEqual([]);
});

test("exact must be within its goal with every sample, safe at the middle and in nine of ten", () => {
  const metOf = (profile: string, ratios: number[]) => sizeGoals(profile, ratios).map(({ isMet }) => isMet);
  expect(metOf("exact", [1, 1.02])).toEqual([true]);
  expect(metOf("exact", [1, 1.03])).toEqual([false]);
  expect(metOf("safe", [1, 1.08, 1.25])).toEqual([true, true]);
  expect(metOf("safe", [1, 1.09, 1.26])).toEqual([false, false]);
  expect(metOf("safe", [...Array(9).fill(1), 3])).toEqual([true, true]);
  expect(metOf("safe", [])).toEqual([undefined, undefined]);
});

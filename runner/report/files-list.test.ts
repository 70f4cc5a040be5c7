import { expect, test } from "vitest";
import type { KeepSet } from "../keep-set.ts";
import { parseIndex } from "../rootfs.ts";
import { filesList } from "./files-list.ts";

const aDirectory = (path: string) => `d\t755\t0\t0\t0\t0\t0\t1:${path}\t1\t-\t-\t${path}\t\n`;
const aFile = (path: string, size: number) => `f\t644\t0\t0\t${size}\t0\t0\t1:${path}\t1\t-\t-\t${path}\t\n`;
const listed = (rootfs: ReturnType<typeof parseIndex>, kept: KeepSet): unknown[] =>
  [...filesList(rootfs, kept)]
    .join("")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("every entry has a line, and a kept one the chain of its reasons", () => {
  const rootfs = parseIndex(aDirectory("/") + aFile("/bin", 5) + aFile("/unused", 7));
  const kept: KeepSet = new Map([
    ["/bin", { kind: "observed", by: "default" }],
    ["/", { kind: "parent", by: "/bin" }],
  ]);
  expect(listed(rootfs, kept)).toEqual([
    {
      path: "/",
      type: "directory",
      size: 0,
      kept: true,
      reasons: [
        { path: "/", kind: "parent", by: "/bin" },
        { path: "/bin", kind: "observed", by: "default" },
      ],
    },
    {
      path: "/bin",
      type: "file",
      size: 5,
      kept: true,
      reasons: [{ path: "/bin", kind: "observed", by: "default" }],
    },
    { path: "/unused", type: "file", size: 7, kept: false },
  ]);
});

test("a long list comes in few pieces, and whole", () => {
  const names = Array.from({ length: 5000 }, (_, at) => `/file-${at}`);
  const rootfs = parseIndex(aDirectory("/") + names.map((name) => aFile(name, 1)).join(""));
  expect([...filesList(rootfs, new Map())].length).toBeLessThan(10);
  expect(listed(rootfs, new Map())).toHaveLength(5001);
});

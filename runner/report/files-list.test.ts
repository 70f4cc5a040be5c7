import { expect, test } from "vitest";
import { FileLine } from "#contract/graph.ts";
import type { KeepSet, Reason } from "../keep-set.ts";
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
      owner: null,
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
      owner: null,
      kept: true,
      reasons: [{ path: "/bin", kind: "observed", by: "default" }],
    },
    { path: "/unused", type: "file", size: 7, owner: null, kept: false },
  ]);
});

test("a removed entry names its owner and what excluded it, a link its target", () => {
  const link = "l\t777\t0\t0\t4\t0\t0\t1:9\t1\t-\t-\t/tool\t/bin\n";
  const rootfs = parseIndex(aDirectory("/") + aFile("/drafts", 5) + link);
  const owners = { packages: [{ system: "apk", name: "draft", at: null } as const], of: () => 0 };
  const lines = filesList(rootfs, new Map(), {
    owners,
    excludedBy: (path) => (path === "/drafts" ? "/dr*" : undefined),
  });
  expect(
    [...lines]
      .join("")
      .split("\n")
      .slice(1, 3)
      .map((line) => FileLine.parse(JSON.parse(line))),
  ).toEqual([
    { path: "/drafts", type: "file", size: 5, owner: "apk:draft", kept: false, excluded: "/dr*", reasons: [] },
    { path: "/tool", type: "symlink", size: 4, target: "/bin", owner: "apk:draft", kept: false, reasons: [] },
  ]);
});

test("a directory leads at once to what is in it, and a chain without end is cut", () => {
  const deep = Array.from({ length: 400 }, (_, at) => `/d${"/x".repeat(at)}`);
  const rootfs = parseIndex(aDirectory("/") + deep.map(aDirectory).join(""));
  const parents = deep.slice(1).map((path, at) => [deep[at] ?? "", { kind: "parent", by: path }] as const);
  const kept: KeepSet = new Map<string, Reason>([...parents, [deep.at(-1) ?? "", { kind: "observed", by: "default" }]]);
  expect(listed(rootfs, kept)[1]).toMatchObject({
    reasons: [
      { path: "/d", kind: "parent", by: deep.at(-1) },
      { path: deep.at(-1), kind: "observed" },
    ],
  });
  const links = new Map(parents.map(([path, { by }]) => [path, { kind: "target", by } as const]));
  const [, first] = listed(rootfs, links) as { reasons: unknown[] }[]; // the list's own form
  expect(first?.reasons).toHaveLength(32);
});

test("a long list comes in few pieces, and whole", () => {
  const names = Array.from({ length: 5000 }, (_, at) => `/file-${at}`);
  const rootfs = parseIndex(aDirectory("/") + names.map((name) => aFile(name, 1)).join(""));
  expect([...filesList(rootfs, new Map())].length).toBeLessThan(10);
  expect(listed(rootfs, new Map())).toHaveLength(5001);
});

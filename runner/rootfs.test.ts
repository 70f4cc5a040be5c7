import { describe, expect, test } from "vitest";
import { below, childrenOf, type Entry, parseIndex, parseIndexLine, resolvePath } from "./rootfs.ts";

/** A rootfs of files, directories (ending in "/") and links (`[path, target]`). */
function aRootfs(...items: (string | [string, string])[]): ReadonlyMap<string, Entry> {
  const lines = items.map((item) => {
    const [path, target] = typeof item === "string" ? [item, ""] : item;
    const type = typeof item !== "string" ? "l" : path.endsWith("/") ? "d" : "f";
    return `${type}\t755\t0\t0\t0\t0\t0\t1:2\t1\t-\t-\t${path.length > 1 && type === "d" ? path.slice(0, -1) : path}\t${target}\n`;
  });
  return parseIndex(lines.join(""));
}

describe("the index", () => {
  test("a line becomes an entry with all its attributes", () => {
    const line =
      "f\t4755\t3000000\t7\t12\t-5\t250\tfe00000000:1a\t2\t-\tsecurity.capability=0100,user.a\\x2cb=\t/a\\x09b\\x5c\t";
    expect(parseIndexLine(line)).toEqual({
      path: "/a\tb\\",
      type: "file",
      mode: 0o4755,
      uid: 3000000,
      gid: 7,
      size: 12,
      mtime: -5,
      mtimeNs: 250,
      inode: "fe00000000:1a",
      links: 2,
      rdev: undefined,
      xattrs: new Map([
        ["security.capability", "0100"],
        ["user.a,b", ""],
      ]),
      target: undefined,
    });
  });

  test("a device has its numbers, a link its target", () => {
    expect(parseIndexLine("c\t666\t0\t0\t0\t1\t0\t1:2\t1\t1:3\t-\t/null\t")).toMatchObject({
      type: "character",
      rdev: "1:3",
    });
    expect(parseIndexLine("l\t777\t0\t0\t3\t1\t0\t1:2\t1\t-\t-\t/l\ta\\x0ab")).toMatchObject({
      type: "symlink",
      target: "a\nb",
    });
  });

  test.each([["x\t755"], ["f\t644\t0\t0\t0\t0\t0\t1:1\t1\t-\t-\trelative\t"], [""]])("%j is refused", (line) => {
    expect(() => parseIndexLine(line)).toThrow("Not a line of an index");
  });

  test("an index that ends within a line is refused", () => {
    expect(() => parseIndex("d\t755\t0\t0\t0\t0\t0\t1:1\t1\t-\t-\t/\t\nf\t644")).toThrow("ends within a line");
  });
});

describe("resolvePath", () => {
  const rootfs = aRootfs(
    "/",
    ["/bin", "usr/bin"],
    "/usr/",
    "/usr/bin/",
    "/usr/bin/tool",
    ["/usr/bin/t", "../../bin/tool"],
    "/etc/",
    ["/etc/abs", "/usr/bin/t"],
    ["/etc/up", "../../../usr"],
    ["/etc/dangling", "/nowhere/../x"],
    ["/loop", "loop"],
    ["/slash", "usr/bin/tool/"],
  );

  test.each([
    ["/", "/", []],
    ["/usr/bin/tool", "/usr/bin/tool", []],
    ["/bin/tool", "/usr/bin/tool", ["/bin"]],
    ["/bin//t", "/usr/bin/tool", ["/bin", "/usr/bin/t", "/bin"]],
    ["/etc/abs", "/usr/bin/tool", ["/etc/abs", "/usr/bin/t", "/bin"]],
    ["/etc/up/./bin/../bin/", "/usr/bin", ["/etc/up"]],
    ["/../../usr", "/usr", []],
  ])("%s leads to %s", (path, target, links) => {
    expect(resolvePath(rootfs, path)).toEqual({ path: target, links, entry: rootfs.get(target) });
  });

  test.each([
    ["/usr/no/such", "/usr/no/such", []],
    ["/bin/no/../tool", "/usr/bin/no/../tool", ["/bin"]],
    ["/usr/bin/tool/x", "/usr/bin/tool/x", []],
    ["/usr/bin/tool/..", "/usr/bin/tool/..", []],
    ["/usr/bin/tool/", "/usr/bin/tool", []],
    ["/slash", "/usr/bin/tool", ["/slash"]],
    ["/etc/dangling", "/nowhere/../x", ["/etc/dangling"]],
  ])("%s ends at %s, which is missing", (path, missing, links) => {
    expect(resolvePath(rootfs, path)).toEqual({ missing, links });
  });

  test("a loop of links ends after forty hops", () => {
    expect(resolvePath(rootfs, "/loop/x")).toEqual({ missing: "/loop/x", links: Array(40).fill("/loop") });
  });
});

test("children are listed by directory, empty ones too", () => {
  const rootfs = aRootfs("/", "/a/", "/a/b/", "/a/c", "/d");
  expect([...childrenOf(rootfs)]).toEqual([
    ["/", ["a", "d"]],
    ["/a", ["b", "c"]],
    ["/a/b", []],
  ]);
  expect(childrenOf(rootfs)).toBe(childrenOf(rootfs));
  expect([...below(rootfs, "/")]).toEqual(["/a", "/a/b", "/a/c", "/d"]);
  expect([...below(rootfs, "/a")]).toEqual(["/a/b", "/a/c"]);
  expect([...below(rootfs, "/d")]).toEqual([]);
});

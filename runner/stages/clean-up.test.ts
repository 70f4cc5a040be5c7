import { expect, test } from "vitest";
import { cleanUp } from "./clean-up.ts";
import { aRootfs, selected, type Tree } from "./select.builder.ts";

const tree: Tree = {
  "/bin/sh": "program",
  "/opt/tool/data": "text",
  "/usr/share/doc/sh/README": "text",
  "/usr/share/doc/sh/seen": "text",
  "/usr/share/doc/sh/asked": "text",
  "/usr/share/man/man1/sh.1": "text",
  "/usr/share/man/man1/linked.1": "text",
  "/etc/alternatives/page": "-> /usr/share/man/man1/linked.1",
  "/var/cache/apt/pkgcache.bin": "text",
  "/dev/null": "text",
  "/secret": "text",
};
const keep = { includePaths: ["/usr/share/doc/sh/asked"], excludePatterns: ["/secret"] };

test("all stays that was not shown to be useless, was used or asked for, or that a link leads to", async () => {
  const rootfs = aRootfs(tree);
  const selection = await selected(tree, ["read /usr/share/doc/sh/seen"], { keep });
  const { kept, excluded } = cleanUp(selection, { rootfs, env: [], keep });
  const gone = [...rootfs.keys()].filter((path) => !kept.has(path));
  expect(gone).toEqual([
    "/usr/share/doc/sh/README",
    "/usr/share/man/man1/sh.1",
    "/var/cache/apt/pkgcache.bin",
    "/dev/null",
    "/secret",
  ]);
  expect(excluded).toEqual([{ pattern: "/secret", entries: 1, bytes: 4 }]);
  expect(kept.get("/opt/tool/data")).toEqual({ kind: "rule", by: "not exercised" });
  expect(kept.get("/usr/share/doc/sh/seen")?.kind).toBe("observed");
});

test("an image with nothing to take away is told so", async () => {
  const bare = { "/bin/sh": "program", "/tmp": "dir" };
  const image = { rootfs: aRootfs(bare), env: [], keep: { excludePatterns: [] } };
  const selection = await selected(bare, []);
  expect(() => cleanUp(selection, image)).toThrow(expect.objectContaining({ code: "result.not-smaller" }));
});

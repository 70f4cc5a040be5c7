import { expect, it } from "vitest";
import { walk } from "../walk.ts";
import { archiver } from "./compressors.ts";
import { aPackContext } from "./pack.builder.ts";

it("keeps the compressors that a tar starts which something asks for", () => {
  const programs = ["tar", "gzip", "xz", "git"].map((name) => `/usr/bin/${name}`);
  const context = aPackContext(Object.fromEntries(programs.map((path) => [path, "\x7fELF"])), {
    entries: Object.fromEntries(programs.map((path) => [path, { mode: 0o755 }])),
  });
  const kept = (kind: "script" | "observed", use: "run" | "exist") =>
    [
      ...walk([{ path: "/usr/bin/tar", reason: { kind, by: "backup.sh" }, use }], {
        rootfs: context.rootfs,
        patterns: [],
        excludedBy: () => undefined,
        edges: (place, each) => archiver.edges?.(place, each, context) ?? [],
      }).kept.keys(),
    ].filter((path) => programs.includes(path));
  expect(kept("script", "run").sort()).toEqual(["/usr/bin/gzip", "/usr/bin/tar", "/usr/bin/xz"]);
  expect(kept("script", "exist")).toEqual(["/usr/bin/tar"]);
  expect(kept("observed", "run")).toEqual(["/usr/bin/tar"]);
});

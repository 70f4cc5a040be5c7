import { expect, test } from "vitest";
import { parseIndex, type Rootfs } from "#runner/rootfs.ts";
import { fileBound, runsOf } from "./bound.ts";

type File = { size?: number; inode?: string; links?: number; target?: string };

function aRootfs(files: Record<string, File>): Rootfs {
  const directories = new Set(
    Object.keys(files).flatMap((path) => path.split("/").map((_, at, parts) => parts.slice(0, at).join("/") || "/")),
  );
  const lines = [...directories].map((path) => `d\t755\t0\t0\t0\t0\t0\td${path}\t1\t-\t-\t${path}\t\n`);
  for (const [path, { size = 0, inode = path, links = 1, target = "" }] of Object.entries(files))
    lines.push(`${target ? "l" : "f"}\t644\t0\t0\t${size}\t0\t0\t${inode}\t${links}\t-\t-\t${path}\t${target}\n`);
  return parseIndex(lines.join(""));
}

const events = (...records: string[]): Buffer =>
  Buffer.from(
    [
      "# default",
      "H\tversion=1\tlevel=full",
      "E\t0\t",
      ...records.map((record) => record.replaceAll(" ", "\t")),
      "",
    ].join("\n"),
  );

test("counts what was read or executed, and interpreters", () => {
  const rootfs = aRootfs({ "/bin/app": { size: 10 }, "/lib/ld.so": { size: 100 }, "/etc/conf": { size: 1000 } });
  const runs = runsOf(events("F x 0 /bin/app ok", "I /lib/ld.so", "F r 0 /etc/conf ok"));
  expect(fileBound(rootfs, runs)).toBe(1110);
});

test("does not count what was only looked at, written, listed or not found", () => {
  const rootfs = aRootfs({ "/a": { size: 10 }, "/b": { size: 10 }, "/d/c": { size: 10 } });
  const runs = runsOf(
    events("F s 0 /a ok", "F w 0 /b ok", "F d 0 /d ok", "F r 0 /d/e noent", "F r 0 /proc/1/stat virt"),
  );
  expect(fileBound(rootfs, runs)).toBe(0);
});

test("counts hard links once and symbolic links for what they lead to", () => {
  const rootfs = aRootfs({
    "/bin/sh": { size: 7, inode: "1:1", links: 2 },
    "/bin/ash": { size: 7, inode: "1:1", links: 2 },
    "/lib/real.so": { size: 50 },
    "/lib/link.so": { target: "real.so" },
  });
  const runs = runsOf(
    events("F x 0 /bin/sh ok", "F x 0 /bin/ash ok", "I /lib/link.so", "F r 0 /lib/real.so ok", "F r 0 /lib/real.so ok"),
  );
  expect(fileBound(rootfs, runs)).toBe(57);
});

test("counts the source beside a compiled Python module", () => {
  const rootfs = aRootfs({ "/m/__pycache__/a.cpython-311.pyc": { size: 3 }, "/m/a.py": { size: 20 } });
  expect(fileBound(rootfs, runsOf(events("F r 0 /m/__pycache__/a.cpython-311.pyc ok")))).toBe(23);
});

test("unites all runs of the artifact, and leaves out what only they made", () => {
  const rootfs = aRootfs({ "/a": { size: 1 }, "/b": { size: 2 } });
  const runs = runsOf(Buffer.concat([events("F r 0 /a ok"), events("F r 0 /b ok", "F r 0 /tmp/new ok")]));
  expect(runs).toHaveLength(2);
  expect(fileBound(rootfs, runs)).toBe(3);
});

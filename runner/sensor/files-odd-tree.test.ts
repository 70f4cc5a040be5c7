import { execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { resolvePath } from "../rootfs.ts";
import { sensorBinary } from "./binary.ts";
import { type FilesSession, openFilesSession } from "./files-session.ts";

/** The longest path that the kernel takes has 4,095 bytes and an end; a tree can be deeper, when it was made step by step. */
const longest = 4095;
let root: string;
let session: FilesSession;

/** Makes `f` at the end of a path of so many bytes below the root, walking down because no call takes the whole path. */
const makeDeep = (top: string, bytes: number) =>
  execFileSync("python3", [
    "-c",
    `import os, sys
os.chdir(sys.argv[1])
left = int(sys.argv[3]) - len("/" + sys.argv[2] + "/f")
os.mkdir(sys.argv[2]); os.chdir(sys.argv[2])
while left > 0:
    name = "d" * min(200, left - 1)
    if left - 1 - len(name) == 1: name = name[1:]
    os.mkdir(name); os.chdir(name); left -= len(name) + 1
open("f", "w").write("far down")`,
    root,
    top,
    String(bytes),
  ]);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "winnow-odd-"));
  makeDeep("deep", longest);
  makeDeep("deeper", longest + 1000);
  await writeFile(join(root, "plain"), "plain");
  await symlink("loop", join(root, "loop"));
  await symlink("b", join(root, "a"));
  await symlink("a", join(root, "b"));
  await symlink("../../../../../etc/passwd", join(root, "out"));
  await symlink("..", join(root, "deep", "up"));
  await mkdir(join(root, ".sensor"));
  const binary = await sensorBinary(process.arch === "arm64" ? "arm64" : "amd64");
  await writeFile(join(root, ".sensor", "sensor"), binary, { mode: 0o755 });
  session = openFilesSession(spawn("chroot", [root, "/.sensor/sensor", "files"]));
});

afterAll(async () => {
  await session?.close();
  // rm of coreutils walks down step by step
  execFileSync("rm", ["-rf", root]);
});

test("a path of 4,095 bytes is indexed, read and packed", async () => {
  const { rootfs } = await session.index();
  const path = [...rootfs.keys()].find((each) => each.startsWith("/deep/") && each.endsWith("/f")) ?? "";
  expect(Buffer.byteLength(path)).toBe(longest);
  expect((await session.read(path))?.toString()).toBe("far down");
  const sink = new PassThrough();
  const tar = buffer(sink);
  expect(await session.pack([path], sink)).toMatchObject({ entries: 1, missing: 0, damaged: 0 });
  sink.end();
  const listed = execFileSync("tar", ["-t"], { input: await tar })
    .toString()
    .trimEnd();
  expect(`/${listed}`).toBe(path);
});

test("what is deeper than any path is told, and hides nothing else", async () => {
  const { rootfs, unreadable, problems } = await session.index();
  expect(unreadable).toBe(1);
  expect(problems).toEqual([{ reason: "ENAMETOOLONG", path: expect.stringMatching(/^\/deeper\/d+\//) }]);
  expect([...rootfs.keys()].every((path) => Buffer.byteLength(path) <= longest)).toBe(true);
  expect(rootfs.has("/plain")).toBe(true);
});

test("links in circles and out of the root are entries like others, and lead nowhere else", async () => {
  const { rootfs, problems } = await session.index();
  expect(problems.filter(({ path }) => !path.startsWith("/deeper"))).toEqual([]);
  for (const path of ["/loop", "/a", "/b", "/out", "/deep/up"]) expect(rootfs.get(path)?.type).toBe("symlink");
  expect(resolvePath(rootfs, "/a/x")).toMatchObject({ missing: expect.any(String) });
  // `..` at the root is the root, here as in the kernel: the file of the host is not what it names.
  expect(resolvePath(rootfs, "/out")).toMatchObject({ missing: "/etc/passwd" });
  await expect(session.read("/loop")).rejects.toMatchObject({ code: "ELOOP" });
  expect(await session.read("/etc/passwd")).toBeUndefined();
});

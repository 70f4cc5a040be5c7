import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFile,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Entry, Rootfs } from "../rootfs.ts";
import { sensorBinary } from "./binary.ts";
import { encodeBytes } from "./byte-text.ts";
import { type FilesSession, openFilesSession } from "./files-session.ts";

// Run as root: the server stands in a tree of its own (chroot), with device nodes and foreign owners in it.
const longName = `${"long-".repeat(30)}name`;
const latin = "/odd/gr\udcf6\udcdfe";
let root: string;
let session: FilesSession;

async function install(directory: string): Promise<void> {
  await mkdir(join(directory, ".sensor"));
  const binary = await sensorBinary(process.arch === "arm64" ? "arm64" : "amd64");
  await writeFile(join(directory, ".sensor", "sensor"), binary, { mode: 0o755 });
}

function startIn(directory: string): { child: ChildProcessWithoutNullStreams; session: FilesSession } {
  const child = spawn("chroot", [directory, "/.sensor/sensor", "files"]);
  return { child, session: openFilesSession(child) };
}

const sh = (script: string) => execFileSync("bash", ["-euc", script], { cwd: root });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "winnow-files-"));
  await mkdir(join(root, "odd"));
  await mkdir(join(root, "usr", longName), { recursive: true });
  await writeFile(join(root, "plain"), "plain text\n");
  await writeFile(join(root, "usr", longName, longName), "far down");
  await writeFile(Buffer.concat([Buffer.from(root), encodeBytes(latin)]), "latin");
  await writeFile(join(root, "odd", "größe"), "utf-8");
  await writeFile(join(root, "odd", "new\nline\t\\tab"), "escaped");
  await writeFile(join(root, "usr", "program"), "#!program\n");
  await link(join(root, "usr", "program"), join(root, "usr", "second-name"));
  await symlink("plain", join(root, "link"));
  await symlink(`/${longName}/größe`, join(root, "dangling"));
  sh(`
    mkdir sticky secret; chmod 1777 sticky; echo hidden > secret/file; chmod 600 secret/file; chmod 700 secret; mkdir none; chmod 0 none
    mknod null c 1 3; mknod disk b 259 70000; mkfifo fifo; ln null usr/null-again; ln -P link usr/link-again
    setcap cap_net_bind_service=ep usr/program; echo suid > suid; chown 3000000:2097152 suid; chmod 4755 suid
    truncate -s 3M holes; printf x | dd of=holes bs=1 seek=1500000 conv=notrunc status=none; : > empty
    find . -exec touch -h -d @1000000000 {} +
    touch -d @1000000000.025 fifo; touch -h -d @-2 link; touch -d @-1.75 plain; touch -d @9000000000 empty`);
  await install(root);
  session = startIn(root).session;
});

afterAll(async () => {
  await session?.close();
  await rm(root, { recursive: true, force: true });
});

/** What must survive a way through a tar. */
const lasting = ({ inode, links, ...entry }: Entry) => entry;

async function packed(paths: Iterable<string>) {
  const sink = new PassThrough();
  const bytes = buffer(sink);
  const result = await session.pack(paths, sink);
  sink.end();
  return { result, tar: await bytes };
}

async function members(tar: Buffer): Promise<Header[]> {
  const headers: Header[] = [];
  const reader = extract();
  reader.on("entry", (header, stream, next) => {
    headers.push(header);
    stream.on("end", next).resume();
  });
  Readable.from([tar]).pipe(reader);
  await finished(reader as unknown as Writable); // a stream of another family, with the same events
  return headers;
}

async function packable(): Promise<string[]> {
  const { rootfs } = await session.index();
  return [...rootfs.keys()];
}

describe("index", () => {
  let rootfs: Rootfs;
  beforeAll(async () => {
    const index = await session.index();
    expect(index).toMatchObject({ umount: "none", unreadable: 0, problems: [] });
    rootfs = index.rootfs;
  });

  test("every entry that find sees is in it, but for the sensor's own directory", () => {
    const found = execFileSync("find", [".", "-path", "./.sensor", "-prune", "-o", "-print0"], {
      cwd: root,
      encoding: "buffer",
    });
    const want = found
      .toString("latin1")
      .split("\0")
      .filter(Boolean)
      .map((path) => path.slice(1) || "/");
    const got = [...rootfs.keys()].map((path) => encodeBytes(path).toString("latin1"));
    expect(got.toSorted()).toEqual(want.toSorted());
  });

  test("each entry agrees with lstat", async () => {
    for (const entry of rootfs.values()) {
      const path = Buffer.concat([Buffer.from(root), encodeBytes(entry.path)]);
      const stat = await lstat(path, { bigint: true });
      const mtime = BigInt(entry.mtime) * 1_000_000_000n + BigInt(entry.mtimeNs);
      expect([entry.path, entry.mode, entry.uid, entry.gid, entry.links, mtime]).toEqual([
        entry.path,
        Number(stat.mode & 0o7777n),
        Number(stat.uid),
        Number(stat.gid),
        Number(stat.nlink),
        BigInt.asIntN(64, stat.mtimeNs),
      ]);
      if (entry.type === "file") expect(entry.size).toBe(Number(stat.size));
      if (entry.type === "symlink") expect(entry.target).toBe(await readlink(path, "utf8"));
    }
  });

  test("types, device numbers, hard links and attributes are told", () => {
    expect(rootfs.get("/null")).toMatchObject({ type: "character", rdev: "1:3" });
    expect(rootfs.get("/disk")).toMatchObject({ type: "block", rdev: "259:70000" });
    expect(rootfs.get("/fifo")?.type).toBe("fifo");
    expect(rootfs.get("/usr/program")?.inode).toBe(rootfs.get("/usr/second-name")?.inode);
    expect(rootfs.get("/usr/program")?.xattrs.get("security.capability")).toMatch(/^010000020004/);
    expect(rootfs.has(latin)).toBe(true);
  });

  test("parents come before children, siblings in byte order", () => {
    const paths = [...rootfs.keys()];
    const place = new Map(paths.map((path, i) => [path, i]));
    for (const path of paths.slice(1))
      expect(place.get(path.replace(/\/[^/]*$/s, "") || "/")).toBeLessThan(place.get(path) ?? -1);
    const top = paths.filter((path) => /^\/[^/]+$/s.test(path));
    expect(top).toEqual(top.toSorted((a, b) => Buffer.compare(encodeBytes(a), encodeBytes(b))));
  });
});

describe("read and hash", () => {
  test("many reads in flight are each answered with their own bytes", async () => {
    const whole = await readFile(join(root, "holes"));
    const jobs = Array.from({ length: 500 }, (_, i) => session.read("/holes", i * 6000, 6001));
    for (const [i, bytes] of (await Promise.all(jobs)).entries()) {
      expect(bytes?.equals(whole.subarray(i * 6000, i * 6000 + 6001))).toBe(true);
    }
  });

  test("a whole file, a part, and nothing behind its end", async () => {
    expect((await session.read("/plain"))?.toString()).toBe("plain text\n");
    expect((await session.read("/plain", 6, 4))?.toString()).toBe("text");
    expect((await session.read("/plain", 1000))?.length).toBe(0);
    expect((await session.read(latin))?.toString()).toBe("latin");
    expect((await session.read("/holes"))?.length).toBe(3 * 1024 * 1024);
    expect((await session.read("/secret/file"))?.toString()).toBe("hidden\n");
  });

  test.each([
    ["/usr", "EISDIR"],
    ["/link", "ELOOP"],
    ["/fifo", "EINVAL"],
    ["/null", "EINVAL"],
    ["/plain/x", "ENOTDIR"],
  ])("reading %s is refused with %s", async (path, code) => {
    await expect(session.read(path)).rejects.toMatchObject({ code });
  });

  test("a file that is not there is undefined", async () => {
    expect(await session.read("/no/such")).toBeUndefined();
  });

  test("digests are SHA-256, at every length around a block", async () => {
    const names = Array.from({ length: 130 }, (_, i) => `/sha-${i}`);
    await Promise.all(names.map((name, i) => writeFile(join(root, name), Buffer.alloc(i, i))));
    const digests = await session.hash([...names, "/holes", "/no/such", "/usr"]);
    await Promise.all(names.map((name) => rm(join(root, name))));
    for (const [i, name] of names.entries()) {
      expect(digests.get(name)).toBe(createHash("sha256").update(Buffer.alloc(i, i)).digest("hex"));
    }
    expect(digests.get("/holes")).toBe(
      createHash("sha256")
        .update(await readFile(join(root, "holes")))
        .digest("hex"),
    );
    expect([digests.has("/no/such"), digests.has("/usr")]).toEqual([false, false]);
  });
});

describe("pack", () => {
  test("unpacked by GNU tar, every entry is as it was", async () => {
    const paths = await packable();
    const { result, tar } = await packed(paths);
    expect(result).toMatchObject({ entries: paths.length, missing: 0, damaged: 0, problems: [] });
    const copy = await mkdtemp(join(tmpdir(), "winnow-files-copy-"));
    const flags = [
      "--extract",
      "--same-permissions",
      "--same-owner",
      "--numeric-owner",
      "--xattrs",
      "--xattrs-include=*",
    ];
    execFileSync("tar", [...flags, "--delay-directory-restore", "--directory", copy], { input: tar });
    await install(copy);
    const other = startIn(copy);
    const [before, after] = [(await session.index()).rootfs, (await other.session.index()).rootfs];
    await other.session.close();
    await rm(copy, { recursive: true });
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [path, entry] of before) {
      const got = after.get(path);
      if (path !== "/") expect(got && lasting(got)).toEqual(lasting(entry)); // writing .sensor touched the root
    }
    expect(after.get("/usr/program")?.inode).toBe(after.get("/usr/second-name")?.inode);
    expect(after.get("/null")?.inode).toBe(after.get("/usr/null-again")?.inode);
    expect(after.get("/link")?.inode).toBe(after.get("/usr/link-again")?.inode);
  });

  test("exactly the listed entries come, in the order of the list, links only between them", async () => {
    const { tar } = await packed([
      "/usr/second-name",
      "/plain",
      "/usr/program",
      "/usr/link-again",
      "/",
      "/usr",
      "/empty",
    ]);
    expect((await members(tar)).map(({ name, type, linkname }) => [name, type, linkname])).toEqual([
      ["usr/second-name", "file", null],
      ["plain", "file", null],
      ["usr/program", "link", "usr/second-name"],
      ["usr/link-again", "symlink", "plain"],
      ["./", "directory", null],
      ["usr/", "directory", null],
      ["empty", "file", null],
    ]);
  });

  test("what ustar cannot hold is in pax records, and only then", async () => {
    const { tar } = await packed([
      "/suid",
      `/usr/${longName}/${longName}`,
      "/dangling",
      "/odd/größe",
      "/fifo",
      "/plain",
      "/link",
      "/usr",
      "/empty",
    ]);
    const pax = (await members(tar)).map((header) => header.pax);
    expect(pax).toEqual([
      { uid: "3000000", gid: "2097152" },
      { path: `usr/${longName}/${longName}` },
      { linkpath: `/${longName}/größe` },
      { path: "odd/größe" },
      { mtime: "1000000000.025" },
      { mtime: "-1.75" },
      { mtime: "-2" },
      null,
      { mtime: "9000000000" },
    ]);
  });

  test("a hard link repeats the attributes, which an engine would else take away", async () => {
    const { tar } = await packed(["/usr/program", "/usr/second-name"]);
    const [first, second] = await members(tar);
    expect(second).toMatchObject({ type: "link", mode: first?.mode });
    expect(second?.pax).toHaveProperty(["SCHILY.xattr.security.capability"]);
    expect(second?.pax).toEqual(first?.pax);
  });

  test("two packs have the same bytes", async () => {
    const paths = await packable();
    const [one, two] = [await packed(paths), await packed(paths)];
    expect(one.tar.equals(two.tar)).toBe(true);
  });

  test("what is missing is counted and named with its reason", async () => {
    await writeFile(join(root, "gone"), "");
    execFileSync("python3", [
      "-c",
      "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])",
      join(root, "sock"),
    ]);
    await rm(join(root, "gone"));
    const { result, tar } = await packed(["/gone", "/plain", "/sock", "relative", "/odd/gr\udcf6"]);
    await rm(join(root, "sock"));
    expect(result).toMatchObject({ entries: 1, bytes: 11, missing: 4 });
    expect(result.problems).toEqual([
      { reason: "ENOENT", path: "/gone" },
      { reason: "socket", path: "/sock" },
      { reason: "EINVAL", path: "relative" },
      { reason: "ENOENT", path: "/odd/gr\udcf6" },
    ]);
    expect((await members(tar)).map(({ name }) => name)).toEqual(["plain"]);
  });

  test("a file that shrinks while it is read keeps its place, and that is told", async () => {
    const size = 64 * 1024 * 1024;
    await appendFile(join(root, "shrinking"), "start");
    await truncate(join(root, "shrinking"), size);
    const chunks: Buffer[] = [];
    // The sink takes the first chunk only after the file is short: far more than pipes and buffers hold is still to be read.
    const sink = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk);
        if (chunks.length > 1) done();
        else truncate(join(root, "shrinking"), 1000).then(() => done(), done);
      },
    });
    const result = await session.pack(["/shrinking", "/plain"], sink);
    await rm(join(root, "shrinking"));
    expect(result).toMatchObject({
      entries: 2,
      missing: 0,
      damaged: 1,
      problems: [{ reason: "shrunk", path: "/shrinking" }],
    });
    expect((await members(Buffer.concat(chunks))).map(({ name, size }) => [name, size])).toEqual([
      ["shrinking", size],
      ["plain", 11],
    ]);
  });

  test("a sink that breaks fails its own call only", async () => {
    const sink = new Writable({ write: (_chunk, _encoding, done) => done(new Error("disk full")) });
    await expect(session.pack(["/holes"], sink)).rejects.toThrow("disk full");
    expect((await session.read("/plain"))?.toString()).toBe("plain text\n");
  });
});

test("a server that dies rejects every open call, and the next ones", async () => {
  const other = startIn(root);
  other.child.kill("SIGSTOP");
  const calls = [other.session.read("/plain"), other.session.index()];
  other.child.kill("SIGKILL");
  for (const call of calls) await expect(call).rejects.toThrow(/The sensor's (out|in)put/);
  await expect(other.session.index()).rejects.toThrow(/The sensor's (out|in)put/);
});

test("closing ends the server with exit code 0", async () => {
  const other = startIn(root);
  const exit = new Promise((resolve) => other.child.once("exit", resolve));
  await other.session.close();
  expect(await exit).toBe(0);
});

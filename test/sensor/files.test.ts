import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { extract, type Header, pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Rootfs } from "#runner/rootfs.ts";
import { sensorBinary } from "#runner/sensor/binary.ts";
import { type FilesSession, openFilesSession } from "#runner/sensor/files-session.ts";
import { openRelay, type Relay } from "#runner/sensor/relay-client.ts";
import { docker, run } from "./container.ts";

// A label of its own: the other tests of the sensor sweep theirs while these may still run.
const label = `dev.winnow.test=sensor-files-${process.pid}`;
const image = `winnow-test-files:${process.pid}`;
const rebuilt = `winnow-test-files-rebuilt:${process.pid}`;
const program = "/.winnow/sensor";
const children: ChildProcessWithoutNullStreams[] = [];

const when = new Date(1_000_000_000_000);
const capability = "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"; // cap_net_bind_service=ep

async function greeter(): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), "winnow-greeter-"));
  try {
    const source = new URL("greeter.c", import.meta.url).pathname;
    await promisify(execFile)("musl-gcc", ["-Os", "-static", "-s", "-o", join(directory, "greeter"), source]);
    return await readFile(join(directory, "greeter"));
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function imageTar(): Promise<Buffer> {
  const archive = pack();
  const add = (header: Partial<Header> & { name: string }, content?: Buffer | string) =>
    archive.entry({ mode: 0o755, mtime: when, ...header }, content as Buffer); // its type leaves out that content is optional
  const directories = [".winnow", "usr", "data", "data/inner", "var"];
  for (const name of directories) add({ name, type: "directory", mode: name === "data" ? 0o1777 : 0o750, uid: 70000 });
  add({ name: program.slice(1) }, await sensorBinary(process.arch === "arm64" ? "arm64" : "amd64"));
  add({ name: "usr/greeter", pax: { "SCHILY.xattr.security.capability": capability } }, await greeter());
  add({
    name: "usr/again",
    type: "link",
    linkname: "usr/greeter",
    pax: { "SCHILY.xattr.security.capability": capability },
  });
  add({ name: "usr/suid", mode: 0o4755, uid: 3000000, gid: 5 }, "suid");
  add({ name: "usr/link", type: "symlink", linkname: "../data/original" });
  add({ name: "usr/null", type: "character-device", devmajor: 1, devminor: 3, mode: 0o666 });
  add({ name: "usr/fifo", type: "fifo", mode: 0o600 });
  add({ name: `usr/${"long-".repeat(30)}ü` }, "long");
  add({ name: "data/original" }, "of the image");
  add({ name: "data/inner/zeros" }, Buffer.alloc(1 << 20));
  add({ name: "var/hidden" }, "under a tmpfs");
  archive.finalize();
  return buffer(archive);
}

function start(args: string[]): ChildProcessWithoutNullStreams {
  const child = spawn("docker", ["run", "-i", "--rm", "--label", label, "--log-driver", "none", ...args]);
  children.push(child);
  return child;
}

function files(engine: string[], of: string, options: string[]): FilesSession {
  return openFilesSession(start(["--network", "none", ...engine, "--entrypoint", program, of, "files", ...options]));
}

async function indexOf(engine: string[], of: string, options: string[]) {
  const session = files(engine, of, options);
  const index = await session.index();
  await session.close();
  return index;
}

/** Entries of the image's own directories, without what depends on the container. */
function comparable(rootfs: Rootfs) {
  const own = [...rootfs.values()].filter(({ path }) => /^\/(usr|data|var)(\/|$)/.test(path));
  return own.map(({ inode, ...entry }) => entry);
}

function readToEnd(stream: Duplex): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => resolve(Buffer.concat(chunks)));
    stream.on("error", reject);
  });
}

beforeAll(async () => {
  const change = ["--change", `LABEL ${label}`, "--change", "VOLUME /data"];
  await docker(["import", ...change, "-", image], await imageTar());
});

afterAll(async () => {
  const left = await docker(["ps", "-aq", "--filter", `label=${label}`]);
  if (left) await run("docker", ["rm", "-fv", ...left.split("\n")]);
  await run("docker", ["rmi", "-f", image, rebuilt]);
  for (const child of children) child.kill();
});

describe("files in a container", () => {
  const covered = ["--tmpfs", "/var", "--cap-add", "SYS_ADMIN"];

  test("with --umount the image's own files under volumes and mounts are seen", async () => {
    const { rootfs, umount, unreadable } = await indexOf(covered, image, ["--umount"]);
    expect([umount, unreadable]).toEqual(["ok", 0]);
    expect(rootfs.get("/data/original")).toMatchObject({ type: "file", size: 12, mtime: 1_000_000_000 });
    expect(rootfs.get("/data")).toMatchObject({ mode: 0o1777, uid: 70000 });
    expect(rootfs.has("/var/hidden")).toBe(true);
    expect(rootfs.get("/etc/hosts")?.size).toBe(0); // the engine's place holder, not what it mounts there
    expect([...rootfs.keys()].filter((path) => path.startsWith("/proc/") || path.startsWith("/.winnow"))).toEqual([]);
  });

  test("without it the index stays on the root's own mount", async () => {
    const { rootfs, umount } = await indexOf(covered, image, []);
    expect(umount).toBe("none");
    const seen = ["/data", "/var", "/etc/hosts", "/dev", "/sys"].filter((path) => rootfs.has(path));
    expect(seen).toEqual([]);
    expect(rootfs.has("/usr/suid")).toBe(true);
  });

  test("without the capability it says so and goes on", async () => {
    const { rootfs, umount } = await indexOf([], image, ["--umount"]);
    expect(umount).toBe("failed");
    expect(rootfs.has("/usr/suid")).toBe(true);
  });

  test("an image made of a pack has the same entries, and the engine can save it again", async () => {
    const engine = ["--cap-add", "SYS_ADMIN"];
    const session = files(engine, image, ["--umount"]);
    const { rootfs } = await session.index();
    const paths = ["/.winnow", program, ...[...rootfs.keys()].filter((path) => /^\/(usr|data|var)(\/|$)/.test(path))];
    const load = spawn("docker", ["import", "--change", `LABEL ${label}`, "-", rebuilt]);
    const loaded = once(load, "exit");
    const packed = await session.pack(paths, load.stdin);
    load.stdin.end();
    await session.close();
    expect(await loaded).toEqual([0, null]);
    expect(packed).toMatchObject({ entries: paths.length, missing: 0, damaged: 0 });

    const copy = await indexOf(engine, rebuilt, ["--umount"]);
    expect(comparable(copy.rootfs)).toEqual(comparable(rootfs));
    expect(copy.rootfs.get("/usr/again")?.inode).toBe(copy.rootfs.get("/usr/greeter")?.inode);
    expect(copy.rootfs.get("/usr/again")?.xattrs.get("security.capability")).toBe(
      Buffer.from(capability).toString("hex"),
    );
    expect(await savedNames(rebuilt)).toContain("manifest.json");
  });
});

/** Saves an image, which makes the engine check its layers against their digests, and lists what came. */
async function savedNames(reference: string): Promise<string[]> {
  const save = spawn("docker", ["save", reference], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(save, "exit");
  const names: string[] = [];
  const reader = extract();
  reader.on("entry", (header, stream, next) => {
    names.push(header.name);
    stream.on("end", next).resume();
  });
  save.stdout.pipe(reader);
  await once(reader, "finish");
  expect(await ended).toEqual([0, null]);
  return names;
}

describe("relay beside a container without a network", () => {
  const name = `winnow-test-greeter-${process.pid}`;
  let relay: Relay;

  beforeAll(async () => {
    const application = start(["--network", "none", "--name", name, "--entrypoint", "/usr/greeter", image]);
    expect(String((await once(application.stdout, "data"))[0])).toBe("ready\n");
    const engine = ["--network", `container:${name}`, "--cap-drop", "ALL", "--read-only"];
    relay = openRelay(start([...engine, "--entrypoint", program, image, "relay"]));
  });

  afterAll(async () => {
    await relay?.close();
    await run("docker", ["rm", "-fv", name]);
  });

  test("the application's listener is the only one", async () => {
    expect(await relay.listeners()).toEqual([{ family: "tcp", address: "127.0.0.1", port: 8080, uid: 0 }]);
  });

  test("the application greets and answers, many times at once", async () => {
    const talk = async (i: number) => {
      const connection = await relay.connect("127.0.0.1", 8080);
      const sent = Buffer.alloc(300_000 + i, `talk ${i} `);
      connection.end(sent);
      return (await readToEnd(connection)).equals(Buffer.concat([Buffer.from("hello\n"), sent]));
    };
    expect(await Promise.all(Array.from({ length: 50 }, (_, i) => talk(i)))).toEqual(Array(50).fill(true));
  });

  test("a port that nobody listens on is refused, an address elsewhere unreachable", async () => {
    await expect(relay.connect("127.0.0.1", 8081)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await expect(relay.connect("192.0.2.1", 80)).rejects.toMatchObject({ code: "ENETUNREACH" });
  });
});

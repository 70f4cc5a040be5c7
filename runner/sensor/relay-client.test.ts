import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, request } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { sensorBinary } from "./binary.ts";
import { openRelay, type Relay } from "./relay-client.ts";

const megabyte = 1024 * 1024;
let directory: string;
let binary: string;
let child: ChildProcessWithoutNullStreams;
let relay: Relay;
let idleFiles: number;
const servers: Server[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "winnow-relay-"));
  binary = join(directory, "sensor");
  await writeFile(binary, await sensorBinary(process.arch === "arm64" ? "arm64" : "amd64"));
  await chmod(binary, 0o755);
});

afterAll(() => rm(directory, { recursive: true }));

beforeEach(async () => {
  child = spawn(binary, ["relay"]);
  relay = openRelay(child);
  await relay.listeners(); // it runs
  idleFiles = await openFiles();
});

afterEach(async () => {
  await relay.close();
  for (const server of servers.splice(0)) server.close();
});

/** A server on a free local port; every connection goes to `serve`. */
async function aServer(serve: (socket: Socket) => void, host = "127.0.0.1"): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    serve(socket);
  });
  return listen(server, host);
}

async function listen(server: Server, host = "127.0.0.1"): Promise<number> {
  servers.push(server);
  server.listen(0, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port; // a TCP server has no other kind
}

/** Resident memory of the relay in bytes. */
async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

const openFiles = async () => (await readdir(`/proc/${child.pid}/fd`)).length;

/** All bytes up to the peer's end. Not stream/consumers: that destroys a stream which could still be written to. */
function readToEnd(stream: Duplex): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => resolve(Buffer.concat(chunks)));
    stream.on("error", reject);
  });
}

const wordsOf = async (stream: Duplex) => (await readToEnd(stream)).toString();

/** Asks `probe` until it holds; the test's own time limit ends it. */
async function until(probe: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await probe())) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function writeAll(stream: Duplex, chunk: Buffer, times: number): Promise<void> {
  for (let i = 0; i < times; i++) if (!stream.write(chunk)) await once(stream, "drain");
  stream.end();
}

describe("connections", () => {
  test("node:http speaks through one", async () => {
    const port = await listen(createHttpServer((incoming, answer) => answer.end(`${incoming.method} ${incoming.url}`)));
    const connection = await relay.connect("127.0.0.1", port);
    const sent = request({ host: "localhost", path: "/a?b=c", createConnection: () => connection }).end();
    const [answer] = await once(sent, "response");
    expect([answer.statusCode, await text(answer)]).toEqual([200, "GET /a?b=c"]);
  });

  test("IPv6 works", async () => {
    const port = await aServer((socket) => socket.end("six"), "::1");
    expect(await wordsOf(await relay.connect("::1", port))).toBe("six");
  });

  test("200 at once each get their own bytes", async () => {
    const port = await aServer((socket) => socket.pipe(socket));
    const echo = async (i: number) => {
      const connection = await relay.connect("127.0.0.1", port);
      const sent = Buffer.alloc(50_000 + i, `stream ${i} `);
      connection.end(sent);
      return (await readToEnd(connection)).equals(sent);
    };
    expect(await Promise.all(Array.from({ length: 200 }, (_, i) => echo(i)))).toEqual(Array(200).fill(true));
    await until(async () => (await openFiles()) === idleFiles);
  });

  test("half-close: an answer comes after the caller's end", async () => {
    const port = await aServer((socket) => void wordsOf(socket).then((got) => socket.end(`got ${got}`)));
    const connection = await relay.connect("127.0.0.1", port);
    connection.end("question");
    expect(await wordsOf(connection)).toBe("got question");
  });

  test("half-close: the caller may speak on after the peer's end", async () => {
    const heard = new Promise<string>((resolve) => {
      void aServer((socket) => {
        socket.end("bye");
        resolve(wordsOf(socket));
      }).then(async (port) => {
        const connection = await relay.connect("127.0.0.1", port);
        expect(await wordsOf(connection)).toBe("bye");
        connection.end("last words");
      });
    });
    expect(await heard).toBe("last words");
  });

  test.each([
    ["127.0.0.1", "ECONNREFUSED"],
    ["::1", "ECONNREFUSED"],
    ["localhost", "EINVAL"],
  ])("to %s without a listener fails with %s", async (address, code) => {
    const port = await aServer(() => {});
    const closed = servers.pop();
    closed?.close();
    await expect(relay.connect(address, port)).rejects.toMatchObject({ code });
    expect(await openFiles()).toBe(idleFiles);
  });

  test("destroying one closes it at the peer and frees its descriptor", async () => {
    const closed = new Promise((resolve) => {
      void aServer((socket) =>
        socket
          .on("close", resolve)
          .on("end", () => socket.end())
          .resume(),
      ).then(async (port) => {
        (await relay.connect("127.0.0.1", port)).destroy();
      });
    });
    await closed;
    await until(async () => (await openFiles()) === idleFiles);
  });

  test("a reset by the peer is an error with its name", async () => {
    const port = await aServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const connection = await relay.connect("127.0.0.1", port);
    connection.write("hello");
    const [error] = await once(connection, "error").catch((cause) => [cause]);
    expect(error).toMatchObject({ code: "ECONNRESET" });
  });

  test("the 1025th is refused, the others live on", async () => {
    const port = await aServer((socket) => socket.pipe(socket));
    const open = await Promise.all(Array.from({ length: 1024 }, () => relay.connect("127.0.0.1", port)));
    await expect(relay.connect("127.0.0.1", port)).rejects.toMatchObject({ code: "EMFILE" });
    open[1023]?.end("still here");
    expect(open[1023] && (await wordsOf(open[1023]))).toBe("still here");
    for (const connection of open) connection.destroy();
    await until(async () => (await openFiles()) === idleFiles);
  });
});

describe("flow control", () => {
  test("50 MB go both ways unharmed", async () => {
    const port = await aServer((socket) => socket.pipe(socket));
    const connection = await relay.connect("127.0.0.1", port);
    const chunk = Buffer.alloc(megabyte, "0123456789abcdefghijklmnopqrstuvwxyz");
    const [got] = await Promise.all([readToEnd(connection), writeAll(connection, chunk, 50)]);
    expect(got.length).toBe(50 * megabyte);
    const want = createHash("sha256");
    for (let i = 0; i < 50; i++) want.update(chunk);
    expect(createHash("sha256").update(got).digest("hex")).toBe(want.digest("hex"));
  });

  test("a caller that does not read stops the peer, and no one else", async () => {
    let written = 0;
    const flood = Buffer.alloc(megabyte);
    const port = await aServer((socket) => {
      const pour = () => {
        do written += flood.length;
        while (socket.write(flood) && written < 100 * megabyte);
      };
      socket.on("drain", pour);
      pour();
    });
    const echo = await aServer((socket) => socket.pipe(socket));
    const stuck = await relay.connect("127.0.0.1", port);
    await once(stuck, "readable");
    const other = await relay.connect("127.0.0.1", echo);
    const [got] = await Promise.all([readToEnd(other), writeAll(other, Buffer.alloc(megabyte, "x"), 20)]);
    expect(got.length).toBe(20 * megabyte);
    expect(stuck.readableLength).toBeLessThanOrEqual(256 * 1024);
    expect(written).toBeLessThan(50 * megabyte);
    expect(await residentBytes()).toBeLessThan(8 * megabyte);
    stuck.destroy();
  });

  test("a peer that does not read stops the caller, and no one else", async () => {
    const port = await aServer((socket) => socket.pause());
    const echo = await aServer((socket) => socket.pipe(socket));
    const stuck = await relay.connect("127.0.0.1", port);
    const accepted = await new Promise<number>((resolve) => {
      let count = 0;
      const pour = () => {
        while (stuck.write(Buffer.alloc(megabyte))) count++;
        count++;
      };
      stuck.on("drain", pour);
      pour();
      const other = relay.connect("127.0.0.1", echo);
      void other.then(async (connection) => {
        const [got] = await Promise.all([readToEnd(connection), writeAll(connection, Buffer.alloc(megabyte, "y"), 20)]);
        expect(got.length).toBe(20 * megabyte);
        resolve(count);
      });
    });
    expect(accepted).toBeLessThan(50);
    expect(await residentBytes()).toBeLessThan(8 * megabyte);
    stuck.destroy();
  });
});

test("listening sockets are listed with family, address, port and user", async () => {
  const four = await aServer(() => {});
  const six = await aServer(() => {}, "::1");
  const listeners = await relay.listeners();
  expect(listeners).toContainEqual({ family: "tcp", address: "127.0.0.1", port: four, uid: process.getuid?.() });
  expect(listeners).toContainEqual({ family: "tcp6", address: "::1", port: six, uid: process.getuid?.() });
});

test("the space of the disk is told as the file system says it", async () => {
  const { available, total } = await relay.freeBytes();
  const disk = await statfs("/");
  expect(total).toBe(disk.blocks * disk.bsize);
  // other programs write meanwhile
  expect(Math.abs(available - disk.bavail * disk.bsize)).toBeLessThan(total / 10);
});

describe("the end", () => {
  test("a relay that dies rejects open calls and breaks its connections", async () => {
    const port = await aServer(() => {});
    const connection = await relay.connect("127.0.0.1", port);
    const broken = new Promise((resolve) => connection.once("close", resolve));
    child.kill("SIGSTOP");
    const call = relay.listeners();
    child.kill("SIGKILL");
    await expect(call).rejects.toThrow("The relay's");
    await broken;
    expect(connection.errored?.message).toContain("The relay's");
    await expect(relay.connect("127.0.0.1", port)).rejects.toThrow("The relay's");
  });

  test("closing ends the relay with exit code 0 and destroys what is open", async () => {
    const port = await aServer((socket) => socket.resume());
    const connection = await relay.connect("127.0.0.1", port);
    const exit = once(child, "exit");
    await relay.close();
    expect(await exit).toEqual([0, null]);
    expect(connection.destroyed).toBe(true);
  });

  test("a frame that is none ends the relay with a word on stderr", async () => {
    const said = text(child.stderr);
    child.stdin.write(Buffer.from([0x3f, 1, 0, 0, 0, 0, 0, 0, 0]));
    expect(await said).toBe("sensor: relay: Protocol error\n");
  });
});

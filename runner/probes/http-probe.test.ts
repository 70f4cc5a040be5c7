import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createTcp, connect as dial, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { HttpProbe } from "#contract/job.ts";
import { type Connect, sendHttp } from "./http-probe.ts";

const live = new AbortController().signal;
const options = { timeoutMs: 10_000, signal: live };
const get = (resource = "/", more: object = {}) => HttpProbe.parse({ kind: "http", resource, ...more });

const connect: Connect = (port) =>
  new Promise((resolve, reject) => {
    const socket = dial(port, "127.0.0.1", () => resolve(socket));
    socket.once("error", reject);
  });

/** The same, over a stream that is no socket, as the relay's streams are. */
const connectPlain: Connect = async (port) => {
  const socket = (await connect(port)) as Socket;
  const stream = new Duplex({
    read: () => socket.resume(),
    write: (chunk, _encoding, done) => socket.write(chunk, done),
    final: (done) => socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (chunk) => {
    if (!stream.push(chunk)) socket.pause();
  });
  socket.on("end", () => stream.push(null));
  socket.on("error", (error) => stream.destroy(error));
  return stream;
};

const servers: Server[] = [];
function listening(server: Server): Promise<number> {
  servers.push(server);
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
}
const http = (listener: RequestListener) => listening(createHttp(listener));
const tcp = (listener: (socket: Socket) => void) =>
  listening(
    createTcp((socket) => {
      socket.on("error", () => undefined);
      listener(socket);
      socket.resume();
    }),
  );

/** A port that nothing listens on. */
async function deadPort(): Promise<number> {
  const port = await tcp(() => undefined);
  await new Promise((resolve) => servers.pop()?.close(resolve));
  return port;
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    if ("closeAllConnections" in server) (server as ReturnType<typeof createHttp>).closeAllConnections();
    await new Promise((resolve) => server.close(resolve)); // hangs, and so fails, when a probe leaves a connection open
  }
});

let dir: string;
let key: Buffer;
let cert: Buffer;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "winnow-http-probe-"));
  const make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other.example -days 1".split(
    " ",
  );
  execFileSync("openssl", [...make, "-keyout", join(dir, "key"), "-out", join(dir, "cert")], { stdio: "ignore" });
  key = readFileSync(join(dir, "key"));
  cert = readFileSync(join(dir, "cert"));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe.each([
  ["sockets", connect],
  ["streams that are no sockets", connectPlain],
])("over %s", (_name, connect) => {
  test("an answer comes with status, type and body", async () => {
    const port = await http((_request, answer) =>
      answer.writeHead(201, { "content-type": "text/plain; charset=utf-8" }).end("hello"),
    );
    const outcome = await sendHttp(get(), port, connect, options);
    expect(outcome).toMatchObject({
      protocol: "http",
      status: 201,
      contentType: "text/plain; charset=utf-8",
      fault: null,
      error: null,
    });
    expect(outcome.body.toString()).toBe("hello");
    expect(outcome.durationMs).toBeGreaterThan(0);
  });

  test("method, headers, body and credentials arrive as asked", async () => {
    let seen: unknown;
    const port = await http(async (request, answer) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      seen = { method: request.method, url: request.url, headers: request.headers, body };
      answer.end();
    });
    const probe = get("/caf\u00e9 au lait?x=%20", {
      method: "PUT",
      body: "\u00fc",
      username: "me",
      password: "s3:cret",
      headers: [
        ["X-Many", "1"],
        ["X-Many", "2"],
        ["Accept", "application/json"],
      ],
    });
    await sendHttp(probe, port, connect, options);
    expect(seen).toEqual({
      method: "PUT",
      url: "/caf%C3%A9%20au%20lait?x=%20",
      body: "\u00fc",
      headers: {
        host: "localhost",
        "user-agent": "winnow-probe",
        accept: "application/json",
        "x-many": "1, 2",
        authorization: `Basic ${Buffer.from("me:s3:cret").toString("base64")}`,
        connection: "close",
        "content-length": "2",
      },
    });
  });

  test("without a protocol an HTTPS server is found, whatever its certificate says", async () => {
    const port = await listening(createHttps({ key, cert }, (_request, answer) => answer.end("secret")));
    const outcome = await sendHttp(get(), port, connect, options);
    expect(outcome).toMatchObject({ protocol: "https", status: 200, error: null });
    expect(outcome.body.toString()).toBe("secret");
  });

  test("a body of several megabytes comes whole", async () => {
    const body = Buffer.alloc(5 << 20, "0123456789abcdef");
    const port = await http((_request, answer) => answer.end(body));
    expect((await sendHttp(get(), port, connect, options)).body.equals(body)).toBe(true);
  });
});

test("a server that refuses plain HTTP in words is asked again over TLS", async () => {
  const port = await listening(
    createTcp((socket) => {
      socket.once("data", (first) => {
        if (first[0] !== 0x16) {
          socket.end("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
          return;
        }
        socket.pause();
        socket.unshift(first);
        inner.emit("connection", socket);
      });
      socket.on("error", () => undefined);
    }),
  );
  const inner = createHttps({ key, cert }, (_request, answer) => answer.end("over TLS"));
  expect(await sendHttp(get(), port, connect, options)).toMatchObject({ protocol: "https", status: 200 });
  expect(await sendHttp(get("/", { protocol: "http" }), port, connect, options)).toMatchObject({
    protocol: "http",
    status: 400,
  });
});

test("a redirect is the answer and is not followed", async () => {
  let requests = 0;
  const port = await http((_request, answer) => {
    requests++;
    answer.writeHead(302, { location: "/elsewhere" }).end();
  });
  expect((await sendHttp(get(), port, connect, options)).status).toBe(302);
  expect(requests).toBe(1);
});

test("no more than 16 MiB of a body are read", async () => {
  const port = await http((_request, answer) => {
    const block = Buffer.alloc(1 << 20);
    const more = () => {
      while (!answer.destroyed && answer.write(block)) {}
    };
    answer.on("drain", more);
    more();
  });
  const outcome = await sendHttp(get(), port, connect, options);
  expect(outcome).toMatchObject({ status: 200, error: null });
  expect(outcome.body.length).toBe(16 << 20);
});

test("a stream of events is answered by its head", async () => {
  const port = await http((_request, answer) => {
    answer.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
  });
  const outcome = await sendHttp(get(), port, connect, options);
  expect(outcome).toMatchObject({ status: 200, contentType: "text/event-stream", error: null });
  expect(outcome.body.length).toBe(0);
});

test("a dead port is refused at once unless it is worth waiting for", async () => {
  const port = await deadPort();
  expect(await sendHttp(get(), port, connect, options)).toMatchObject({
    status: null,
    fault: "refused",
    error: `ECONNREFUSED: no connection to port ${port}`,
  });
});

test("a port that opens later is reached by trying again", async () => {
  const port = await deadPort();
  let tries = 0;
  const late: Connect = async (to) => {
    if (++tries < 4) throw new Error("ECONNREFUSED: nothing there yet");
    return connect(to);
  };
  const server = createHttp((_request, answer) => answer.end("up"));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  expect(await sendHttp(get(), port, late, { ...options, retryMs: 10_000 })).toMatchObject({ status: 200 });
  expect(tries).toBe(4);
});

test("502, 503 and 504 are tried again, other answers are not", async () => {
  const statuses = [503, 502, 504, 200, 500];
  const port = await http((_request, answer) => answer.writeHead(statuses.shift() ?? 418).end());
  expect((await sendHttp(get(), port, connect, options)).status).toBe(200);
  expect((await sendHttp(get(), port, connect, options)).status).toBe(500);
  expect((await sendHttp(get(), port, connect, options)).status).toBe(418);
});

test("a server that stays unavailable is believed in the end, and a POST is sent once", async () => {
  let requests = 0;
  const port = await http((_request, answer) => {
    requests++;
    answer.writeHead(503).end();
  });
  expect((await sendHttp(get(), port, connect, { ...options, unavailableMs: 100 })).status).toBe(503);
  expect(requests).toBeGreaterThan(1);
  requests = 0;
  expect((await sendHttp(get("/", { method: "POST" }), port, connect, options)).status).toBe(503);
  expect(requests).toBe(1);
});

test("a port that speaks another protocol says what it said", async () => {
  const port = await tcp((socket) => socket.write("220 mail.example ESMTP\r\n"));
  const outcome = await sendHttp(get(), port, connect, options);
  expect(outcome).toMatchObject({ status: null, fault: "not-http", error: `port ${port} does not speak HTTP` });
  expect(outcome.said.toString()).toContain("220 mail.example");
});

test("a port that closes without a byte is silent, over TLS too", async () => {
  const port = await tcp((socket) => socket.once("data", () => socket.end()));
  const error = `port ${port} closed the connection without an answer`;
  expect(await sendHttp(get(), port, connect, options)).toMatchObject({
    protocol: "http",
    status: null,
    fault: "silent",
    error,
  });
  expect(await sendHttp(get("/", { protocol: "https" }), port, connect, options)).toMatchObject({
    status: null,
    error,
  });
});

test("an answer that breaks off keeps its head and says so", async () => {
  const port = await tcp((socket) =>
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")),
  );
  const outcome = await sendHttp(get(), port, connect, options);
  expect(outcome).toMatchObject({
    status: 200,
    fault: "broken",
    error: "the connection broke before the end of the body",
  });
  expect(outcome.body.toString()).toBe("abc");
});

test("a server that never answers ends with the time limit", async () => {
  const silent = await tcp(() => undefined);
  expect(await sendHttp(get(), silent, connect, { ...options, timeoutMs: 50 })).toMatchObject({
    status: null,
    fault: "timeout",
    error: "no answer within 50 ms",
  });
  const slow = await http((_request, answer) => void answer.writeHead(200).write("part"));
  expect(await sendHttp(get(), slow, connect, { ...options, timeoutMs: 200 })).toMatchObject({
    status: 200,
    fault: "timeout",
    error: "the body did not end within 200 ms",
  });
  const hang: Connect = () => new Promise(() => undefined);
  expect(await sendHttp(get(), 1, hang, { ...options, timeoutMs: 50 })).toMatchObject({ fault: "timeout" });
});

test("an abort is an error, not an answer", async () => {
  const abort = new AbortController();
  const port = await http(() => abort.abort(new Error("canceled")));
  await expect(sendHttp(get(), port, connect, { ...options, signal: abort.signal })).rejects.toThrow("canceled");
  await expect(sendHttp(get(), port, connect, { ...options, signal: abort.signal })).rejects.toThrow("canceled");
});

test("a header that cannot be written is an error of the probe's answer", async () => {
  const port = await http((_request, answer) => answer.end());
  const outcome = await sendHttp(get("/", { headers: [["X", "a\nb"]] }), port, connect, options);
  expect(outcome).toMatchObject({ status: null, fault: "broken" });
  expect(outcome.error).toContain("cannot be written");
});

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";

/** Stands between a job and its engine, on a socket of its own. */
export type EngineProxy = {
  /** As `--host` and DOCKER_HOST take it. */
  host: string;
  /** `METHOD /path` of every request since the last `heal`, in order. */
  requests: string[];
  /** The engine is gone: every connection breaks, and no new one is taken. */
  cut(): void;
  /** The engine is there but says nothing any more: requests are taken and never answered. */
  stall(): void;
  /** Request number `n` (from 1) is answered with status 500 and never reaches the engine. */
  failNth(n: number): void;
  heal(): void;
  close(): Promise<void>;
};

/** A proxy before the engine at `engineHost` (`unix://PATH` or `tcp://HOST:PORT`). */
export async function openEngineProxy(engineHost: string): Promise<EngineProxy> {
  const directory = mkdtempSync(join(tmpdir(), "winnow-proxy-"));
  const socketPath = join(directory, "engine.sock");
  const url = new URL(engineHost);
  const isUnix = url.protocol === "unix:";
  const target = isUnix ? { socketPath: url.pathname } : { host: url.hostname, port: Number(url.port) };
  const address = isUnix ? { path: url.pathname } : { host: url.hostname, port: Number(url.port) };
  const sockets = new Set<Duplex>();
  const state = { requests: [] as string[], failing: 0, isCut: false, isStalled: false };

  const track = (socket: Socket): void => {
    if (state.isCut) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  };
  /** True when the request goes on to the engine. */
  const admit = ({ method, url: path }: IncomingMessage, refuse: () => void): boolean => {
    state.requests.push(`${method} ${path}`);
    if (state.isStalled) return false;
    if (state.requests.length !== state.failing) return true;
    refuse();
    return false;
  };
  const problem = JSON.stringify({ message: "a failure on demand" });

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const refuse = (): void => {
      request.resume();
      response.writeHead(500, { "content-type": "application/json" }).end(problem);
    };
    if (!admit(request, refuse)) return;
    const { method, url: path, headers } = request;
    const onward = httpRequest({ ...target, method, path, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders(); // an answer to `wait` begins long before it has a body
      answer.pipe(response);
      answer.on("close", () => answer.complete || response.destroy());
    });
    onward.on("socket", track);
    onward.on("error", () => response.destroy());
    response.on("close", () => response.writableFinished || onward.destroy());
    request.pipe(onward);
  });
  server.on("connection", track);
  server.on("upgrade", (request: IncomingMessage, client: Duplex, head: Buffer) => {
    const refuse = (): void => {
      client.end(
        `HTTP/1.1 500 X\r\nContent-Type: application/json\r\nContent-Length: ${problem.length}\r\n\r\n${problem}`,
      );
    };
    if (!admit(request, refuse)) return;
    // From here on bytes: the attached stream is the engine's own affair.
    // Half open as the client has it: stdin may have ended when the output has not.
    const onward = connect({ ...address, allowHalfOpen: true });
    track(onward);
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
    }
    onward.write(`${lines.join("\r\n")}\r\n\r\n`);
    onward.write(head);
    client.pipe(onward).pipe(client);
    client.on("close", () => onward.destroy());
    onward.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));

  const dropAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    host: `unix://${socketPath}`,
    get requests() {
      return state.requests;
    },
    cut() {
      state.isCut = true;
      dropAll();
    },
    stall() {
      state.isStalled = true;
    },
    failNth(n) {
      state.failing = n;
    },
    heal() {
      dropAll();
      Object.assign(state, { requests: [], failing: 0, isCut: false, isStalled: false });
    },
    async close() {
      dropAll();
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { WinnowError } from "#contract/error.ts";

export type App = { fetch(request: Request, env: unknown): unknown };

export type Server = {
  /** Where it listens, e.g. `http://127.0.0.1:7480`. */
  url: string;
  port: number;
  /**
   * Takes no more connections and gives the requests at work `graceMs` to end; what is left then is cut off. Gives how many
   * connections that were.
   */
  stop(graceMs: number): Promise<number>;
};

/** What a client may take its time for, ms. A long poll and an event stream say something more often than `idleMs`. */
export type ServerLimits = {
  /** All headers of a request. */
  headersMs: number;
  /** A whole request with its body: an artifact of 5 GiB at 20 Mbit/s is half an hour. */
  requestMs: number;
  /** Nothing in either direction. */
  idleMs: number;
  /** Between two requests of one connection. */
  keepAliveMs: number;
  maxHeaderBytes: number;
  maxConnections: number;
};

export const serverLimits: ServerLimits = {
  headersMs: 15_000,
  requestMs: 3_600_000,
  idleMs: 120_000,
  keepAliveMs: 65_000, // above the 60 s of common proxies, or they would send into a connection that we just close
  maxHeaderBytes: 16 << 10,
  maxConnections: 10_000,
};

/** Serves the app on this address; port 0 takes a free one. Throws `config.invalid` when the address cannot be had. */
export async function listen(
  app: App,
  { host, port }: { host: string; port: number },
  limits: ServerLimits = serverLimits,
): Promise<Server> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    createServer,
    serverOptions: {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      maxHeaderSize: limits.maxHeaderBytes,
      connectionsCheckingInterval: Math.min(limits.headersMs, 5_000),
    },
  });
  if (!("closeAllConnections" in server)) throw new Error("not a server of HTTP/1.1");
  server.maxConnections = limits.maxConnections;
  server.maxHeadersCount = 100;
  server.timeout = limits.idleMs;
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new WinnowError(
      "config.invalid",
      `The server cannot listen on ${host}:${port}: ${why}.`,
      "Name another address with --listen.",
      thrown,
    );
  }
  const { port: taken } = server.address() as AddressInfo; // it listens on a port, not on a path
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${taken}`,
    port: taken,
    stop: async (graceMs) => {
      const closed = once(server, "close");
      server.close();
      // A connection that was at work when we closed is kept for another request unless somebody looks after it.
      const sweep = setInterval(() => server.closeIdleConnections(), 50);
      let cut = 0;
      const end = setTimeout(() => {
        server.getConnections((_error, count) => {
          cut = count;
        });
        server.closeAllConnections();
      }, graceMs);
      await closed;
      clearInterval(sweep);
      clearTimeout(end);
      return cut;
    },
  };
}

import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { buffer } from "node:stream/consumers";

/** What the proxy does with a call: hands it on, breaks the connection, hands it on and breaks before the answer, or answers. */
export type Meddling = "pass" | "break" | "break-after" | { status: number; body: string };

export type S3Proxy = {
  endpoint: string;
  /** Decides for each call; `position` counts from 0 since it was set. */
  meddle(decide: (call: { method: string; path: string; body: Buffer }, position: number) => Meddling): void;
  /** Calls since `meddle`. */
  calls(): number;
  close(): Promise<void>;
};

/** Stands before a real server and is a fault of the network or of the server on demand. Signatures stay good: `Host` is kept. */
export async function startS3Proxy(upstream: string): Promise<S3Proxy> {
  let calls = 0;
  let decide: Parameters<S3Proxy["meddle"]>[0] = () => "pass";
  const server = createServer(async (asked, answer) => {
    const position = calls++;
    const body = await buffer(asked);
    const meddling = decide({ method: asked.method ?? "", path: asked.url ?? "", body }, position);
    if (meddling === "break") return asked.socket.destroy();
    if (typeof meddling === "object") return answer.writeHead(meddling.status).end(meddling.body);
    const given = await handOn(upstream, asked, body);
    if (meddling === "break-after") return asked.socket.destroy();
    answer.writeHead(given.statusCode ?? 502, given.headers);
    given.pipe(answer);
    return;
  });
  await listening(server);
  return {
    endpoint: `http://127.0.0.1:${portOf(server)}`,
    meddle(next) {
      calls = 0;
      decide = next;
    },
    calls: () => calls,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function handOn(upstream: string, asked: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    const { method, headers, url } = asked;
    request(new URL(url ?? "/", upstream), { method, headers, setHost: false }, resolve)
      .on("error", reject)
      .end(body);
  });
}

async function listening(server: Server): Promise<void> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}

function portOf(server: Server): number {
  const address = server.address();
  return address && typeof address === "object" ? address.port : 0;
}

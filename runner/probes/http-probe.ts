import { type IncomingMessage, request } from "node:http";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { HttpProbe } from "#contract/job.ts";
import { pause, type TimeLimit, timeLimit } from "./time-limit.ts";

/** Opens a stream to a port of the application. Rejects with an error whose `code` or message holds the errno name. */
export type Connect = (port: number) => Promise<Duplex>;

/**
 * What became of a request. `refused`: no connection. `silent`: closed without a byte. `not-http`: other bytes came, in
 * `said`. `timeout`: no whole answer in time. `broken`: any other end before the whole answer.
 */
export type HttpFault = "refused" | "silent" | "not-http" | "timeout" | "broken";

export type HttpOutcome = {
  protocol: "http" | "https";
  /** Null when no HTTP answer came. Also set with an `error` when only the body did not come whole. */
  status: number | null;
  contentType: string | null;
  /** Where a redirect leads, as written. */
  location: string | null;
  /** At most 16 MiB. Empty for streams of events, which have no end. */
  body: Buffer;
  fault: HttpFault | null;
  /** The fault in words that are the same for the same fault, or null. */
  error: string | null;
  /** The bytes that came instead of HTTP. */
  said: Buffer;
  /** Of the request that gave this outcome, without earlier tries. */
  durationMs: number;
};

type SendOptions = {
  /** How long one request may take, ms. */
  timeoutMs: number;
  signal: AbortSignal;
  /** How long a port that refuses connections is tried again, ms. */
  retryMs?: number;
  /** How long 502, 503 and 504 are taken for "not yet", ms. */
  unavailableMs?: number;
};

const maxBodyBytes = 16 << 20;

/** How long an abruptly closed connection is tried again: a worker that was restarted is back by then. */
const silentRetryMs = 500;

/** What servers answer to plain HTTP on a TLS port: nginx, Go, Apache, Tomcat, Node-based proxies. */
const wantsTls =
  /plain HTTP request was sent to HTTPS port|HTTP request to an HTTPS server|plain HTTP to an SSL-enabled|requires TLS/i;

/**
 * Sends one request over a stream made by `connect`. Without a protocol http goes first, and https when the answer says
 * or looks like it. Redirects are not followed: the redirect is the answer. A port that refuses is tried again for
 * `retryMs` with pauses of 10 to 200 ms, an unavailable server for `unavailableMs`. Never rejects for what the
 * application does; rejects with `signal.reason` on abort.
 */
export async function sendHttp(
  probe: HttpProbe,
  port: number,
  connect: Connect,
  { timeoutMs, signal, retryMs = 0, unavailableMs = 5000 }: SendOptions,
): Promise<HttpOutcome> {
  const startedAt = performance.now();
  const safe = ["GET", "HEAD", "OPTIONS"].includes(probe.method);
  let pauseMs = 10;
  while (true) {
    const outcome = await eitherProtocol(probe, port, connect, timeoutMs, signal);
    const patienceMs = patience(outcome, safe, { retryMs, unavailableMs });
    if (performance.now() - startedAt + pauseMs > patienceMs) return outcome;
    await pause(pauseMs, signal);
    pauseMs = Math.min(200, pauseMs * 2);
  }
}

/** How long this outcome is worth another try, ms since the first one. Requests that may change things are not repeated once they arrived. */
function patience(
  outcome: HttpOutcome,
  safe: boolean,
  { retryMs = 0, unavailableMs = 0 }: Partial<SendOptions>,
): number {
  if (outcome.fault === "refused") return retryMs;
  if (!safe) return 0;
  if (outcome.fault === "silent") return Math.min(retryMs, silentRetryMs);
  return outcome.status === 502 || outcome.status === 503 || outcome.status === 504 ? unavailableMs : 0;
}

async function eitherProtocol(
  probe: HttpProbe,
  port: number,
  connect: Connect,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<HttpOutcome> {
  const first = await attempt(probe, probe.protocol ?? "http", port, connect, timeoutMs, signal);
  if (probe.protocol || !looksLikeTls(first)) return first;
  const second = await attempt(probe, "https", port, connect, timeoutMs, signal);
  return second.status === null ? first : second;
}

function looksLikeTls({ fault, status, body, said }: HttpOutcome): boolean {
  if (fault === "not-http") return said[0] === 0x15; // a TLS alert record
  if (fault === "silent") return true;
  return status === 400 && wantsTls.test(body.toString("latin1", 0, 4096));
}

/** One request on one connection. */
async function attempt(
  probe: HttpProbe,
  protocol: "http" | "https",
  port: number,
  connect: Connect,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<HttpOutcome> {
  signal.throwIfAborted();
  const startedAt = performance.now();
  const done = (end: Partial<HttpOutcome>): HttpOutcome => ({
    protocol,
    status: null,
    contentType: null,
    location: null,
    body: Buffer.alloc(0),
    fault: null,
    error: null,
    said: Buffer.alloc(0),
    ...end,
    durationMs: performance.now() - startedAt,
  });
  const limit = timeLimit(timeoutMs, signal);
  let stream: Duplex | undefined;
  try {
    stream = await limit.race(connect(port), (unwanted) => unwanted.destroy());
    if (stream === undefined) return done({ fault: "timeout", error: `no connection within ${timeoutMs} ms` });
    const end = await exchange(probe, protocol, port, stream, limit, timeoutMs);
    signal.throwIfAborted();
    return done(end);
  } catch (error) {
    signal.throwIfAborted();
    return done({ fault: "refused", error: `${errnoOf(error)}: no connection to port ${port}` });
  } finally {
    limit.clear();
    stream?.destroy();
  }
}

/** Writes the request to `stream` and reads the answer. The caller owns the stream. */
function exchange(
  probe: HttpProbe,
  protocol: "http" | "https",
  port: number,
  stream: Duplex,
  limit: TimeLimit,
  timeoutMs: number,
): Promise<Partial<HttpOutcome>> {
  return new Promise((resolve) => {
    let received = 0;
    let answered = false;
    const headers = headersOf(probe);
    const host = headers.host ?? "localhost";
    const socket =
      protocol === "http"
        ? stream
        : connectTls({
            socket: stream,
            servername: serverName(host),
            rejectUnauthorized: false, // the certificate is the image's own affair, and its host name cannot be right
            minVersion: "TLSv1",
            ciphers: "DEFAULT@SECLEVEL=0",
          });
    const fail = (error: unknown) => {
      if (!answered) resolve(faultOf(error, received, port, protocol)); // else the answer's own error event says it
    };
    stream.on("error", fail);
    if (socket !== stream) socket.on("error", fail);
    let outgoing: ReturnType<typeof request>;
    try {
      outgoing = request({
        createConnection: () => socket,
        method: probe.method,
        path: requestTarget(probe.resource),
        headers,
        setHost: false,
        insecureHTTPParser: true, // servers may be sloppy; what they say is compared, not judged
        maxHeaderSize: 256 << 10,
      });
    } catch (error) {
      return resolve({ fault: "broken", error: `the request cannot be written: ${messageOf(error)}` });
    }
    outgoing.on("error", fail);
    // The parser listens by then; a listener any earlier would start the flow without it.
    outgoing.on("socket", (own) => own.on("data", (chunk: Buffer) => (received += chunk.length)));
    outgoing.on("response", (answer) => {
      answered = true;
      readAnswer(answer, timeoutMs, limit, resolve);
    });
    const switched = (answer: IncomingMessage) => resolve(headOf(answer));
    outgoing.on("upgrade", switched);
    outgoing.on("connect", switched);
    outgoing.end(probe.body);
    limit.onEnd(() => {
      if (!answered) resolve({ fault: "timeout", error: `no answer within ${timeoutMs} ms` });
    });
  });
}

function headOf(answer: IncomingMessage): Pick<HttpOutcome, "status" | "contentType" | "location"> {
  const { "content-type": contentType = null, location = null } = answer.headers;
  return { status: answer.statusCode ?? null, contentType, location };
}

function readAnswer(
  answer: IncomingMessage,
  timeoutMs: number,
  limit: TimeLimit,
  resolve: (end: Partial<HttpOutcome>) => void,
): void {
  const head = headOf(answer);
  // Streams of events have no end and their content depends on when we look.
  if (/^\s*(text\/event-stream|multipart\/x-mixed-replace)\b/i.test(head.contentType ?? "")) {
    resolve(head);
    return;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  const body = () => Buffer.concat(chunks, Math.min(bytes, maxBodyBytes));
  answer.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= maxBodyBytes) resolve({ ...head, body: body() });
  });
  answer.on("end", () => resolve({ ...head, body: body() }));
  answer.on("error", () =>
    resolve({ ...head, body: body(), fault: "broken", error: "the connection broke before the end of the body" }),
  );
  limit.onEnd(() =>
    resolve({ ...head, body: body(), fault: "timeout", error: `the body did not end within ${timeoutMs} ms` }),
  );
}

function faultOf(error: unknown, received: number, port: number, protocol: string): Partial<HttpOutcome> {
  const said =
    error instanceof Error && "rawPacket" in error && Buffer.isBuffer(error.rawPacket)
      ? error.rawPacket
      : Buffer.alloc(0);
  if (said.length > 0) return { fault: "not-http", error: `port ${port} does not speak HTTP`, said };
  if (received === 0) return { fault: "silent", error: `port ${port} closed the connection without an answer` };
  if (protocol === "https") return { fault: "not-http", error: `port ${port} does not speak HTTPS` };
  return { fault: "broken", error: `${errnoOf(error)}: port ${port} broke off its answer` };
}

/** Ours first, so that the probe's own headers replace them. Names are lower case. */
function headersOf(probe: HttpProbe): Record<string, string | string[]> & { host?: string } {
  const headers = new Map<string, string[]>([
    ["host", ["localhost"]],
    ["user-agent", ["winnow-probe"]],
    ["accept", ["*/*"]],
  ]);
  if (probe.username !== undefined) {
    const credentials = Buffer.from(`${probe.username}:${probe.password ?? ""}`).toString("base64");
    headers.set("authorization", [`Basic ${credentials}`]);
  }
  const own = new Map<string, string[]>();
  for (const [name, value] of probe.headers)
    own.set(name.toLowerCase(), [...(own.get(name.toLowerCase()) ?? []), value]);
  for (const [name, values] of own) headers.set(name, values);
  headers.set("connection", ["close"]);
  if (probe.body !== undefined) headers.set("content-length", [String(Buffer.byteLength(probe.body))]);
  return Object.fromEntries(
    [...headers].map(([name, values]) => [name, values.length === 1 ? String(values[0]) : values]),
  );
}

/** The host without its port, as SNI wants it; an address may not stand there (RFC 6066, 3). */
function serverName(host: string): string {
  const name = host.replace(/:\d+$/, "");
  return /^[\d.]+$|[:[\]]/.test(name) ? "" : name;
}

/** The resource with what may not stand in a request line percent-encoded as UTF-8; what is encoded already stays. */
function requestTarget(resource: string): string {
  return resource.replace(/[^\x21-\x7e]+/g, (text) =>
    Buffer.from(text).toString("hex").toUpperCase().replace(/../g, "%$&"),
  );
}

/** The errno name of a connection error: from `code`, else the capitals that the message begins with (the relay's form). */
export function errnoOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return /^E[A-Z0-9]+/.exec(messageOf(error))?.[0] ?? "failed";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

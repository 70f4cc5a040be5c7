import type { Duplex } from "node:stream";
import { type Connect, errnoOf } from "./http-probe.ts";
import { pause, timeLimit } from "./time-limit.ts";

export type TcpOutcome = {
  /** What came, at most 64 KiB. */
  body: Buffer;
  /** Null when the connection stood and, after `send`, something came. */
  error: string | null;
  refused: boolean;
  durationMs: number;
};

type SendOptions = {
  /** How long to wait for a first byte, and for the end, ms. */
  timeoutMs: number;
  signal: AbortSignal;
  /** How long a port that refuses connections is tried again, ms. */
  retryMs?: number;
};

const maxBytes = 64 << 10;

/** An answer is over when nothing has come for this long. */
const quietMs = 300;

/** A server that speaks first does so at once; most do not, and that is no fault. */
const greetingMs = 1000;

/**
 * Opens `port`, writes `send` if given, and reads until the server closes, 300 ms of quiet, 64 KiB or the time limit. Text
 * is sent as UTF-8. Without `send` a server that says nothing is fine. Never rejects for what the application does; rejects
 * with `signal.reason` on abort.
 */
export async function sendTcp(
  send: string | undefined,
  port: number,
  connect: Connect,
  { timeoutMs, signal, retryMs = 0 }: SendOptions,
): Promise<TcpOutcome> {
  const startedAt = performance.now();
  let pauseMs = 10;
  while (true) {
    const outcome = await attempt(send, port, connect, timeoutMs, signal);
    if (!outcome.refused || performance.now() - startedAt + pauseMs > retryMs) return outcome;
    await pause(pauseMs, signal);
    pauseMs = Math.min(200, pauseMs * 2);
  }
}

async function attempt(
  send: string | undefined,
  port: number,
  connect: Connect,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<TcpOutcome> {
  signal.throwIfAborted();
  const startedAt = performance.now();
  const done = (body: Buffer, error: string | null, refused = false): TcpOutcome => ({
    body,
    error,
    refused,
    durationMs: performance.now() - startedAt,
  });
  const limit = timeLimit(timeoutMs, signal);
  let stream: Duplex | undefined;
  try {
    stream = await limit.race(connect(port), (unwanted) => unwanted.destroy());
    if (!stream) return done(Buffer.alloc(0), `no connection within ${timeoutMs} ms`);
    const { body, end } = await converse(stream, send, limit.onEnd);
    signal.throwIfAborted();
    if (send === undefined || body.length > 0) return done(body, null);
    return done(
      body,
      end === "late" ? `no answer within ${timeoutMs} ms` : `port ${port} closed the connection without an answer`,
    );
  } catch (error) {
    signal.throwIfAborted();
    return done(Buffer.alloc(0), `${errnoOf(error)}: no connection to port ${port}`, true);
  } finally {
    limit.clear();
    stream?.destroy();
  }
}

type Spoken = { body: Buffer; end: "closed" | "quiet" | "late" };

function converse(stream: Duplex, send: string | undefined, onLate: (callback: () => void) => void): Promise<Spoken> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let timer: NodeJS.Timeout | undefined;
    const finish = (end: Spoken["end"]) => {
      clearTimeout(timer);
      resolve({ body: Buffer.concat(chunks, Math.min(bytes, maxBytes)), end });
    };
    const quietAfter = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(finish, ms, "quiet");
    };
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= maxBytes) finish("quiet");
      else quietAfter(quietMs);
    });
    stream.on("end", () => finish("closed"));
    stream.on("close", () => finish("closed"));
    stream.on("error", () => finish("closed"));
    onLate(() => finish("late"));
    if (send === undefined) quietAfter(greetingMs);
    else stream.write(send);
  });
}

/** How a protocol other than HTTP is greeted so that its server does some work and answers. */
export type Greeting = {
  name: string;
  port: number;
  /** Absent for servers that speak first. All below 0x80, so that text and bytes are the same. */
  send?: string;
  /** What its servers answer, as Latin-1. A port number alone proves nothing. */
  answers: RegExp;
  /** What its servers say to an HTTP request, as Latin-1. */
  saysToHttp?: RegExp;
};

const greetings: readonly Greeting[] = [
  {
    name: "redis",
    port: 6379,
    send: "PING\r\n",
    answers: /^(\+PONG|-[A-Z]+ )/,
    saysToHttp: /^-(ERR|NOAUTH|DENIED|LOADING) /,
  },
  {
    name: "postgres",
    port: 5432,
    // StartupMessage of protocol 3.0 with one parameter (PostgreSQL documentation, "Message Formats")
    send: "\0\0\0\x17\0\x03\0\0user\0postgres\0\0",
    answers: /^[REN]\0\0/,
  },
  { name: "mysql", port: 3306, answers: /^.{3}\0[\x0a\xff]/s },
  { name: "memcached", port: 11211, send: "version\r\n", answers: /^VERSION /, saysToHttp: /^(CLIENT_)?ERROR\b/ },
  // The protocol header of AMQP 0-9-1; a server of another version answers with its own, and so do most to HTTP.
  { name: "amqp", port: 5672, send: "AMQP\0\0\x09\x01", answers: /^(\x01\0\0|AMQP)/, saysToHttp: /^AMQP[\0-\x09]/ },
  // CONNECT of MQTT 3.1.1 with a clean session and without a client id; answered by CONNACK
  { name: "mqtt", port: 1883, send: "\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0", answers: /^\x20\x02/ },
  // The address of localhost, over TCP with its length before it (RFC 1035, 4.1 and 4.2.2); any answer has the same id
  {
    name: "dns",
    port: 53,
    send: "\0\x1b\0\x2a\x01\0\0\x01\0\0\0\0\0\0\x09localhost\0\0\x01\0\x01",
    answers: /^..\0\x2a[\x80-\xff]/s,
  },
  // NAMES_REQ; the answer begins with epmd's own port (Erlang distribution protocol, "The EPMD Protocol")
  { name: "epmd", port: 4369, send: "\0\x01n", answers: /^\0\0\x11\x11/ },
];

/** The greeting of the protocol that usually has `port`, to be tried before HTTP because HTTP upsets its servers. */
export function greetingOfPort(port: number): Greeting | undefined {
  return greetings.find((greeting) => greeting.port === port);
}

/** The greeting of the protocol whose servers answer `said` to an HTTP request. */
export function greetingOfReply(said: Buffer): Greeting | undefined {
  const text = said.toString("latin1", 0, 256);
  return greetings.find((greeting) => greeting.saysToHttp?.test(text));
}

/** True when `body` is what servers of this protocol answer. */
export function isAnswerTo(greeting: Greeting, body: Buffer): boolean {
  return greeting.answers.test(body.toString("latin1", 0, 256));
}

import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { protocolHeader, protocolVersion } from "#contract/service/runner-protocol.ts";
import type { Random } from "./random.ts";

export type Call = {
  method: "GET" | "POST" | "PUT" | "PATCH";
  /** Below `/api/v1`. */
  path: string;
  token: string;
  /** Bytes as they are, anything else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
};

/** `content` is the document of a JSON answer, undefined of any other; nothing of it is checked yet. */
export type Answer = { status: number; headers: IncomingHttpHeaders; content: unknown };

/** One connection pool to a server. Throws what the network throws; every status is an answer. */
export type ApiClient = { call(call: Call): Promise<Answer>; close(): void };

/** On node:http, not fetch: a thousand of them have to leave the server most of a machine. */
export function apiClient(origin: string, { connections = Number.POSITIVE_INFINITY } = {}): ApiClient {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return { call: (call) => exchange(origin, agent, call), close: () => agent.destroy() };
}

async function exchange(origin: string, agent: Agent, { method, path, token, body, ...more }: Call): Promise<Answer> {
  const bytes = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const headers = {
    authorization: `Bearer ${token}`,
    [protocolHeader]: String(protocolVersion),
    ...(bytes && {
      "content-type": Buffer.isBuffer(body) ? "application/octet-stream" : "application/json",
      "content-length": bytes.length,
    }),
    ...more.headers,
  };
  return await new Promise((resolve, reject) => {
    const asked = request(`${origin}/api/v1${path}`, { method, agent, headers, signal: more.signal });
    asked.on("error", reject).on("response", (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece) => pieces.push(piece));
      response.on("error", reject).on("end", () => {
        const isJson = response.headers["content-type"]?.includes("json") ?? false;
        const content: unknown = isJson ? JSON.parse(Buffer.concat(pieces).toString()) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, content });
      });
    });
    asked.end(bytes);
  });
}

/** Shares of all calls, 0 to 1, that the network spoils. */
export type Spoiling = { lost: number; delayed: number; doubled: number; delayMs: number };

/**
 * A client behind a bad network. A lost call never reaches the server, or its answer never comes back: the caller sees the same.
 * A doubled one reaches it twice, one after the other; the caller sees the later answer.
 */
export function spoiled(client: ApiClient, { lost, delayed, doubled, delayMs }: Spoiling, random: Random): ApiClient {
  return {
    close: client.close,
    async call(call) {
      const [fate, when, isReached] = [random(), random(), random() < 0.5];
      if (fate >= lost + delayed + doubled) return await client.call(call);
      if (fate < lost) {
        if (isReached) await client.call(call);
        throw new Error(isReached ? "the answer was lost" : "the call was lost");
      }
      if (fate < lost + doubled) {
        await client.call(call);
        return await client.call(call);
      }
      const pause = () => delay(when * delayMs, undefined, { signal: call.signal });
      if (!isReached) await pause();
      const answer = await client.call(call);
      if (isReached) await pause();
      return answer;
    },
  };
}

/** A client of a process that can be frozen, as by SIGSTOP: nothing it asks leaves, and no answer is read, until it goes on. */
export function pausable(client: ApiClient): ApiClient & { pauseFor(ms: number): Promise<void> } {
  let gate: Promise<void> = Promise.resolve();
  return {
    close: client.close,
    pauseFor: (ms) => {
      gate = delay(ms);
      return gate;
    },
    async call(call) {
      await gate;
      const answer = await client.call(call);
      await gate;
      return answer;
    },
  };
}

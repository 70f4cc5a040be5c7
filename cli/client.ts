import { readFileSync } from "node:fs";
import { z } from "zod";
import { errors, WinnowError } from "#contract/error.ts";
import { Problem } from "#contract/service/problem.ts";
import type { Environment } from "./config.ts";

/** How a server is named on the command line. */
export type ServerFlags = { server?: string | true; token?: string };

export type Address = { url: string; token: string };

export type Call = {
  method?: "GET" | "POST" | "DELETE";
  /** Sent as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  timeoutMs?: number;
};

/** Calls of the API below `/api/v1`. All throw what the server's problem document says, and `service.unreachable`. */
export type Client = {
  readonly url: string;
  /** The JSON document of the answer. */
  ask<T>(path: string, schema: z.ZodType<T>, call?: Call): Promise<T>;
  /** A call whose answer has no body. */
  tell(path: string, call: Call): Promise<void>;
  /** The answer as it comes in, without a limit in time. */
  open(path: string): Promise<ReadableStream<Uint8Array>>;
};

const callMs = 30_000;

const Variables = z.object({
  WINNOW_SERVER: z.string().optional(),
  WINNOW_TOKEN: z.string().optional(),
  WINNOW_TOKEN_FILE: z.string().optional(),
});

/** True when flags or environment name a server. */
export function isServerNamed({ server }: ServerFlags, env: Environment): boolean {
  return typeof server === "string" || Boolean(Variables.parse(env).WINNOW_SERVER);
}

/** The server of flags and environment; a flag wins. Throws `config.invalid` with all faults at once. */
export function addressOf({ server, token }: ServerFlags, env: Environment): Address {
  const { WINNOW_SERVER, WINNOW_TOKEN, WINNOW_TOKEN_FILE } = Variables.parse(env);
  const faults: string[] = [];
  const url = (typeof server === "string" ? server : WINNOW_SERVER)?.replace(/\/+$/, "");
  if (!url) faults.push("no server is named: give --server URL or WINNOW_SERVER.");
  else if (!/^https?:\/\/[^/?#@]+(\/[^?#]*)?$/.test(url) || !URL.canParse(url))
    faults.push(
      `${JSON.stringify(url)} is no address of a server: write http://HOST or https://HOST, with a port if need be.`,
    );
  const secret = token ?? (WINNOW_TOKEN || (WINNOW_TOKEN_FILE && contentOf(WINNOW_TOKEN_FILE, faults)));
  if (!secret && faults.length === 0)
    faults.push("there is no token: give WINNOW_TOKEN, WINNOW_TOKEN_FILE or --token.");
  if (!url || !secret || faults.length > 0)
    throw new WinnowError(
      "config.invalid",
      faults.join("\n"),
      "The server printed both at its first start; `winnow tokens add` makes more.",
    );
  return { url, token: secret };
}

function contentOf(file: string, faults: string[]): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (thrown) {
    faults.push(`WINNOW_TOKEN_FILE: ${thrown instanceof Error ? thrown.message : String(thrown)}.`);
    return undefined;
  }
}

export function apiClient({ url, token }: Address): Client {
  const send = async (path: string, { method = "GET", body, headers = {} }: Call, signal: AbortSignal | undefined) => {
    try {
      return await fetch(`${url}/api/v1${path}`, {
        method,
        signal,
        redirect: "error", // the token is for this server
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (thrown) {
      throw unreachable(url, reasonOf(thrown), thrown);
    }
  };
  const answered = async (path: string, call: Call, signal?: AbortSignal) => {
    const response = await send(path, call, signal);
    if (response.ok) return response;
    throw await problemOf(response, url);
  };
  const timed = ({ timeoutMs = callMs }: Call) => AbortSignal.timeout(timeoutMs);
  return {
    url,
    ask: async (path, schema, call = {}) => {
      const response = await answered(path, call, timed(call));
      const found = schema.safeParse(await response.json().catch(() => undefined));
      if (found.success) return found.data;
      throw unreachable(url, "what answers there is not this version of Winnow", found.error);
    },
    tell: async (path, call) => {
      const response = await answered(path, call, timed(call));
      await response.body?.cancel();
    },
    open: async (path) => {
      const { body } = await answered(path, {});
      return body ?? new ReadableStream({ start: (controller) => controller.close() });
    },
  };
}

/** Whether the same call may do better in a moment. */
export function isPassing(thrown: unknown): boolean {
  return thrown instanceof WinnowError && errors[thrown.code].retryable && errors[thrown.code].status >= 429;
}

/** Node says only `fetch failed`; why stands in the cause. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error && thrown.name === "TimeoutError") return "it did not answer in time";
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const text = cause instanceof Error ? cause.message || cause.name : String(cause);
  return cause instanceof AggregateError ? cause.errors.map(reasonOf).join(", ") : text;
}

function unreachable(url: string, why: string, cause: unknown): WinnowError {
  const hint = "See that the server runs, and that --server or WINNOW_SERVER is its address.";
  return new WinnowError("service.unreachable", `The server at ${url} cannot be reached: ${why}.`, hint, cause);
}

async function problemOf(response: Response, url: string): Promise<WinnowError> {
  const problem = Problem.safeParse(await response.json().catch(() => undefined));
  if (!problem.success)
    return unreachable(url, `it answered with ${response.status}, and not as Winnow does`, problem.error);
  const { code, detail, hint, errors: faults = [] } = problem.data;
  const lines = faults.length > 1 ? faults.map((fault) => `${fault.pointer}: ${fault.detail}`) : [detail];
  return new WinnowError(code, lines.join("\n"), hint);
}

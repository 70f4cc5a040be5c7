import type { z } from "zod";
import { protocolHeader, protocolVersion } from "#contract/service/runner-protocol.ts";
import { Refusal, refusalOf, unanswered } from "./refusal.ts";

/** `app.fetch` of a server in the same process, or the global one. */
export type Fetch = (request: Request) => Promise<Response> | Response;

/** `url` without a slash at its end; paths of the API follow it. */
export type Server = { url: string; fetch: Fetch };

export type Call = {
  method: "POST" | "PATCH" | "PUT";
  /** Below the server's address, e.g. `/api/v1/runner/claim`. */
  path: string;
  token: string;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as they are, in place of `body`. */
  bytes?: Buffer | Blob;
  headers?: Record<string, string>;
  timeoutMs?: number;
  signal?: AbortSignal;
};

/** How long most calls may take. */
const callMs = 20_000;

/** One call, one try. Throws Refusal; the signal's reason when it aborted. Gives the answer, whose status is 2xx. */
export async function send({ url, fetch }: Server, call: Call): Promise<Response> {
  const { method, path, token, body, bytes, headers = {}, timeoutMs = callMs, signal } = call;
  const late = AbortSignal.timeout(timeoutMs);
  signal?.throwIfAborted(); // a server in this process would not see it
  const name = `${method} ${path}`;
  const request = new Request(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      [protocolHeader]: String(protocolVersion),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    body: body === undefined ? bytes : JSON.stringify(body),
    signal: signal ? AbortSignal.any([signal, late]) : late,
    redirect: "error", // the token is for this server
  });
  try {
    const response = await answered(fetch(request), request.signal);
    if (response.ok) return response;
    throw await refusalOf(response, name);
  } catch (thrown) {
    if (thrown instanceof Refusal) throw thrown;
    if (signal?.aborted) throw signal.reason;
    throw unanswered(name, late.aborted ? new Error(`none within ${timeoutMs / 1000} s`) : thrown);
  }
}

/** A server in this process may go on with what nobody waits for any more; the runner does not wait with it. */
async function answered(answer: Promise<Response> | Response, signal: AbortSignal): Promise<Response> {
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort);
  });
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** One call whose answer is a JSON document of this shape. An answer of another shape is none: throws Refusal as for a broken connection. */
export async function ask<T>(server: Server, call: Call, answer: z.ZodType<T>): Promise<T> {
  return read(await send(server, call), call, answer);
}

/** Reads the document of an answer. Throws as `ask`. */
export async function read<T>(response: Response, { method, path, signal }: Call, answer: z.ZodType<T>): Promise<T> {
  try {
    return answer.parse(await response.json());
  } catch (thrown) {
    if (signal?.aborted) throw signal.reason;
    throw unanswered(`${method} ${path}`, new Error("what came back is not what the protocol says", { cause: thrown }));
  }
}

/** One call whose answer does not matter beyond its success. */
export async function tell(server: Server, call: Call): Promise<void> {
  const response = await send(server, call);
  await response.body?.cancel().catch(() => {}); // or its connection is held until the body is collected
}

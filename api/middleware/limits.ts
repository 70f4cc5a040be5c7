import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { WinnowError } from "#contract/error.ts";
import type { AppDeps } from "../app-deps.ts";
import type { AppEnv } from "../app-env.ts";

/** Carries an artifact's bytes: its route counts them, and they take the time that they take. */
function isUpload(method: string, path: string): boolean {
  return method === "PUT" && /^\/api\/v1\/attempts\/[^/]+\/[^/]+\/artifacts\/[^/]+$/.test(path);
}

/** Counts bodies, also those that do not say how long they are. Throws `request.too-large`. */
export function limitBody({ settings }: AppDeps): MiddlewareHandler<AppEnv> {
  const refuse = () => {
    const detail = `The body has more than ${settings.bodyBytes} bytes.`;
    throw new WinnowError("request.too-large", detail, "Send less at a time.");
  };
  const limit = bodyLimit({ maxSize: settings.bodyBytes, onError: refuse });
  return async (c, next) => {
    if (isUpload(c.req.method, c.req.path)) return await next();
    const length = lengthOf(c.req);
    if (length === undefined) return await limit(c, next);
    if (length > settings.bodyBytes) refuse();
    return await next();
  };
}

/**
 * Bytes of a body that says how long it is, which the HTTP parser then holds it to; undefined for one that does not. Without a look at
 * the body itself: that would make a stream of it.
 */
function lengthOf(request: Context<AppEnv>["req"]): number | undefined {
  if (request.method === "GET" || request.method === "HEAD") return 0;
  const length = request.header("content-length");
  return length === undefined || request.header("transfer-encoding") !== undefined ? undefined : Number(length);
}

/**
 * Answers for a request that takes too long until its answer begins; a claim may wait for a job besides. What it had begun goes on: a write is one transaction, whole or
 * not at all.
 */
export function limitTime({ settings, timings }: AppDeps): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (isUpload(c.req.method, c.req.path)) return await next();
    const mostMs = settings.requestMs + (c.req.path === "/api/v1/runner/claim" ? timings.pollMs : 0);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const detail = `The request took more than ${mostMs / 1000} s.`;
        reject(new WinnowError("request.timeout", detail, "Look at it again; it may have been done."));
      }, mostMs);
    });
    try {
      await Promise.race([next(), late]);
    } finally {
      clearTimeout(timer);
    }
  };
}

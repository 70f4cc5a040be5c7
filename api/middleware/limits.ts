import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { WinnowError } from "#contract/error.ts";
import type { AppDeps } from "../app-deps.ts";
import type { AppEnv } from "../app-env.ts";

/** What carries an artifact's bytes, waits for a job, or streams: other limits hold there, see their routes. */
const unlimited = [
  { method: "PUT", path: /^\/api\/v1\/attempts\/[^/]+\/[^/]+\/artifacts\/[^/]+$/ },
  { method: "POST", path: /^\/api\/v1\/runner\/claim$/ },
  { method: "GET", path: /^\/api\/v1\/jobs\/[^/]+\/(events|log)$/ },
];

function isLimited(method: string, path: string): boolean {
  return !unlimited.some((one) => one.method === method && one.path.test(path));
}

/** Counts bodies, also those that do not say how long they are. Throws `request.too-large`. */
export function limitBody({ settings }: AppDeps): MiddlewareHandler<AppEnv> {
  const refuse = () => {
    const detail = `The body has more than ${settings.bodyBytes} bytes.`;
    throw new WinnowError("request.too-large", detail, "Send less at a time.");
  };
  const limit = bodyLimit({ maxSize: settings.bodyBytes, onError: refuse });
  return async (c, next) => {
    const isUpload = c.req.method === "PUT" && !isLimited(c.req.method, c.req.path);
    return isUpload ? await next() : await limit(c, next);
  };
}

/** Answers for a request that takes too long. What it had begun goes on: a write is one transaction, whole or not at all. */
export function limitTime({ settings }: AppDeps): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (!isLimited(c.req.method, c.req.path)) return await next();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const detail = `The request took more than ${settings.requestMs / 1000} s.`;
      const error = new WinnowError("request.timeout", detail, "Look at it again; it may have been done.");
      timer = setTimeout(() => reject(error), settings.requestMs);
    });
    try {
      await Promise.race([next(), late]);
    } finally {
      clearTimeout(timer);
    }
  };
}

import { randomUUID } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";

/** For answers that are no pages: whatever they hold, a browser does nothing with it. */
const nothing = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const always = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

const requestIdPattern = /^[A-Za-z0-9._-]{8,64}$/;

/** Gives the request an id, the caller's own when it has a good one, and every answer the headers that keep browsers from mischief. */
export const headers: MiddlewareHandler<AppEnv> = async (c, next) => {
  const given = c.req.header("x-request-id");
  const requestId = given !== undefined && requestIdPattern.test(given) ? given : randomUUID();
  c.set("requestId", requestId);
  await next();
  // Not c.header(): it makes a copy of the answer each time, and a copy is sent as a stream, which costs as much as all the rest.
  const { headers } = c.res;
  headers.set("x-request-id", requestId);
  for (const [name, value] of Object.entries(always)) headers.set(name, value);
  if (!headers.has("content-security-policy")) headers.set("content-security-policy", nothing);
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
};

import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";
import type { AppEnv } from "../app-env.ts";

/** The address that a request came from; undefined for one that was made within the process. */
export function addressOf(c: Context<AppEnv>): string | undefined {
  const bindings: unknown = c.env;
  if (typeof bindings !== "object" || bindings === null || !("incoming" in bindings)) return undefined;
  return getConnInfo(c).remote.address;
}

/** Whether it came from this host, and not through a proxy, whose callers may be anywhere. */
export function isLocal(c: Context<AppEnv>): boolean {
  if (["forwarded", "x-forwarded-for", "x-real-ip", "via"].some((name) => c.req.header(name) !== undefined))
    return false;
  const address = addressOf(c);
  return address !== undefined && /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(address);
}

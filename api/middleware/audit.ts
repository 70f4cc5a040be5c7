import type { MiddlewareHandler } from "hono";
import type { AppDeps } from "../app-deps.ts";
import type { AppEnv } from "../app-env.ts";
import { appendAudit } from "../db/append-audit.ts";
import { addressOf } from "./address.ts";

/** Writes one row for each request of a user that was let in and may change something, whatever became of it. */
export function audit({ db, now }: AppDeps): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next();
    const { caller, admitted, object, requestId } = c.var;
    if (!caller || !admitted || c.req.method === "GET" || c.req.method === "HEAD") return;
    appendAudit(db, {
      at: now(),
      actor: caller.id,
      address: addressOf(c) ?? null,
      action: `${c.req.method} ${admitted}`,
      object: object ?? c.req.param("id") ?? null,
      status: c.res.status,
      requestId,
    });
  };
}

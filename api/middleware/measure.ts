import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { AppEnv } from "../app-env.ts";
import type { Metrics } from "../metrics.ts";

/** Counts requests by their route: never by their path, which anybody can choose. */
export function measure(metrics: Metrics): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const begun = performance.now();
    await next();
    const route = c.res.status === 404 || c.res.status === 405 ? "" : routePath(c, -1);
    metrics.count({ method: c.req.method, route, status: c.res.status, seconds: (performance.now() - begun) / 1000 });
    if (c.var.problem === "database.busy") metrics.countBusy();
  };
}

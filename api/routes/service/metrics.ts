import { createRoute, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../../app-env.ts";
import { allow } from "../../auth/scope.ts";
import type { Metrics } from "../../metrics.ts";
import { isLocal } from "../../middleware/address.ts";
import { newRoutes, refusals } from "../route.ts";

const forToken = allow("read");

const localOrToken: MiddlewareHandler<AppEnv> = async (c, next) =>
  isLocal(c) && !c.var.bearer ? await next() : await forToken.middleware(c, next);

const route = createRoute({
  method: "get",
  path: "/metrics",
  tags: ["service"],
  summary: "Figures for Prometheus",
  description: "From the server's own host also without a token.",
  security: forToken.security,
  middleware: localOrToken,
  responses: {
    200: {
      description: "Text format 0.0.4.",
      content: { "text/plain": { schema: z.string(), example: 'winnow_queue_depth{pool="",arch="amd64"} 3\n' } },
    },
    ...refusals(),
  },
});

export function metricsRoutes(metrics: Metrics) {
  return newRoutes().openapi(route, async (c) => {
    c.header("content-type", "text/plain; version=0.0.4; charset=utf-8");
    return c.body(await metrics.render(), 200) as never; // text, but with its version
  });
}

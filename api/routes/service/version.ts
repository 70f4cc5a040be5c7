import { createRoute } from "@hono/zod-openapi";
import { Version } from "#contract/service/admin-view.ts";
import { protocolVersion } from "#contract/service/runner-protocol.ts";
import type { AppDeps } from "../../app-deps.ts";
import { answer, newRoutes, refusalsOf } from "../route.ts";

const route = createRoute({
  method: "get",
  path: "/version",
  tags: ["service"],
  summary: "The versions of Winnow and of the runner protocol",
  security: [],
  responses: {
    200: answer(Version, "The versions.", { version: "0.1.0", protocol: 1 }),
    // A token is not needed, but one that comes must be good.
    ...refusalsOf(["token.invalid", "request.rate-limited"]),
  },
});

export function versionRoutes({ version }: AppDeps) {
  return newRoutes().openapi(route, (c) => c.json({ version, protocol: protocolVersion }, 200));
}

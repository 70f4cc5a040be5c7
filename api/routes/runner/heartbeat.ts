import { createRoute } from "@hono/zod-openapi";
import { Heartbeat, HeartbeatAnswer } from "#contract/service/runner-protocol.ts";
import type { AppDeps } from "../../app-deps.ts";
import { asRunner } from "../../auth/runner.ts";
import { beatRunner } from "../../db/beat-runner.ts";
import { jobId } from "../examples.ts";
import { answer, jsonBody, type Routes, refusals } from "../route.ts";

/** `POST /runner/heartbeat`: one call for all that a runner holds. */
export function addHeartbeat(routes: Routes, deps: AppDeps): void {
  const { leaseMs } = deps.timings;
  const route = createRoute({
    method: "post",
    path: "/runner/heartbeat",
    tags: ["runner"],
    summary: "Tell that the runner lives",
    description: "Extends the leases of all its attempts and brings what people asked for.",
    ...asRunner(deps),
    request: { body: jsonBody(Heartbeat, { attempts: [{ jobId, attempt: 1, lease: 1 }] }) },
    responses: {
      200: answer(HeartbeatAnswer, "What to do with each attempt.", {
        attempts: [{ jobId, attempt: 1, action: "continue" }],
        runner: "continue",
        leaseMs: 60_000,
      }),
      ...refusals({ also: ["protocol.too-old", "runner.not-found"], hasBody: true }),
    },
  });
  routes.openapi(route, (c) => {
    const beat = beatRunner(deps.db, { ...c.req.valid("json"), runnerId: c.var.runner.id, now: deps.now(), leaseMs });
    return c.json({ ...beat, leaseMs }, 200);
  });
}

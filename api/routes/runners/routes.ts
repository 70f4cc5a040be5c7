import { createRoute, z } from "@hono/zod-openapi";
import { RunnerList, RunnerView } from "#contract/service/runner-view.ts";
import type { AppDeps } from "../../app-deps.ts";
import { allow } from "../../auth/scope.ts";
import { drainRunner } from "../../db/drain-runner.ts";
import { listRunners, readRunner } from "../../db/list-runners.ts";
import { removeRunner } from "../../db/remove-runner.ts";
import { runnerExample } from "../examples.ts";
import { flag } from "../query.ts";
import { answer, newRoutes, refusals } from "../route.ts";

const RunnerParams = z.object({
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,80}$/, "write the id of a runner")
    .openapi({ example: runnerExample.id }),
});

const listRoute = createRoute({
  method: "get",
  path: "/runners",
  tags: ["runners"],
  summary: "All runners",
  ...allow("read"),
  responses: { 200: answer(RunnerList, "By name.", { runners: [runnerExample] }), ...refusals() },
});

const readRoute = createRoute({
  method: "get",
  path: "/runners/{id}",
  tags: ["runners"],
  summary: "A runner",
  ...allow("read"),
  request: { params: RunnerParams },
  responses: { 200: answer(RunnerView, "The runner.", runnerExample), ...refusals({ also: ["runner.not-found"] }) },
});

const drainRoute = createRoute({
  method: "post",
  path: "/runners/{id}/drain",
  tags: ["runners"],
  summary: "Let a runner finish what it has, and exit",
  ...allow("admin"),
  request: { params: RunnerParams },
  responses: {
    200: answer(RunnerView, "The runner after it.", { ...runnerExample, state: "draining" }),
    ...refusals({ also: ["runner.not-found"] }),
  },
});

const removeRoute = createRoute({
  method: "delete",
  path: "/runners/{id}",
  tags: ["runners"],
  summary: "Remove a runner",
  description:
    "Its token is void from then on. With `force=1` also while it has jobs: those are lost and tried elsewhere.",
  ...allow("admin"),
  request: { params: RunnerParams, query: z.strictObject({ force: flag().optional() }) },
  responses: { 204: { description: "It is gone." }, ...refusals({ also: ["runner.not-found", "runner.busy"] }) },
});

export function runnerAdminRoutes({ db, now, timings, queue }: AppDeps) {
  const clock = () => ({ now: now(), leaseMs: timings.leaseMs });
  return newRoutes()
    .openapi(listRoute, (c) => c.json({ runners: listRunners(db, clock()) }, 200))
    .openapi(readRoute, (c) => c.json(readRunner(db, c.req.valid("param").id, clock()), 200))
    .openapi(drainRoute, (c) => {
      const { id } = c.req.valid("param");
      drainRunner(db, { runnerId: id, now: now() });
      queue.endFor(id);
      return c.json(readRunner(db, id, clock()), 200);
    })
    .openapi(removeRoute, (c) => {
      const { id } = c.req.valid("param");
      const lost = removeRunner(db, { runnerId: id, now: now(), isForced: c.req.valid("query").force ?? false });
      queue.endFor(id);
      for (const { jobId, state } of lost) if (state === "queued") queue.wake(jobId);
      return c.body(null, 204);
    });
}

import { createRoute } from "@hono/zod-openapi";
import { Release, Started } from "#contract/service/runner-protocol.ts";
import type { AppDeps } from "../../app-deps.ts";
import { asAttempt } from "../../auth/attempt.ts";
import { releaseAttempt } from "../../db/release-attempt.ts";
import { startAttempt } from "../../db/start-attempt.ts";
import { answer, jsonBody, type Routes } from "../route.ts";
import { AttemptParams, attemptPath, attemptRefusals } from "./attempt.ts";

/** `POST …/start`: the runner confirms its claim. */
export function addStart(routes: Routes, deps: AppDeps): void {
  const { leaseMs } = deps.timings;
  const route = createRoute({
    method: "post",
    path: `${attemptPath}/start`,
    tags: ["attempts"],
    summary: "Confirm a claim",
    description: "Work begins with the answer. The same call again gives the same answer.",
    ...asAttempt(deps, { isForClaimed: true }),
    request: { params: AttemptParams },
    responses: {
      200: answer(Started, "The attempt is running, with a whole lease.", { leaseMs: 60_000 }),
      ...attemptRefusals(),
    },
  });
  routes.openapi(route, (c) => {
    startAttempt(deps.db, c.var.held, { now: deps.now(), leaseMs });
    return c.json({ leaseMs }, 200);
  });
}

/** `POST …/release`: the runner gives the job back untouched. */
export function addRelease(routes: Routes, deps: AppDeps): void {
  const route = createRoute({
    method: "post",
    path: `${attemptPath}/release`,
    tags: ["attempts"],
    summary: "Give a job back untouched",
    description: "The attempt does not count.",
    ...asAttempt(deps, { isForClaimed: true, isForEnded: true }),
    request: { params: AttemptParams, body: jsonBody(Release, { reason: "drain" }) },
    responses: {
      204: { description: "The job is somebody else's now." },
      ...attemptRefusals([], { hasBody: true }),
    },
  });
  routes.openapi(route, (c) => {
    // Released before: its runner did not hear the answer.
    if (c.var.held.state === "released") return c.body(null, 204);
    const state = releaseAttempt(deps.db, c.var.held, { ...c.req.valid("json"), now: deps.now() });
    if (state === "queued") deps.queue.wake(c.var.held.jobId);
    return c.body(null, 204);
  });
}

import { createRoute } from "@hono/zod-openapi";
import { ProgressAnswer, ProgressBatch } from "#contract/service/runner-protocol.ts";
import type { AppDeps } from "../../app-deps.ts";
import { asAttempt } from "../../auth/attempt.ts";
import { appendProgress } from "../../db/append-progress.ts";
import { answer, jsonBody, type Routes } from "../route.ts";
import { AttemptParams, attemptPath, attemptRefusals } from "./attempt.ts";

/** `POST …/progress`: what whoever watches the job sees. */
export function addProgress(routes: Routes, deps: AppDeps): void {
  const route = createRoute({
    method: "post",
    path: `${attemptPath}/progress`,
    tags: ["attempts"],
    summary: "Tell how far an attempt is",
    description: "Events are numbered: those that are there already are passed over, and nothing is taken after a gap.",
    ...asAttempt(deps),
    request: {
      params: AttemptParams,
      body: jsonBody(ProgressBatch, { from: 0, events: [{ kind: "stage", stage: "resolve", state: "started" }] }),
    },
    responses: {
      200: answer(ProgressAnswer, "The number of the event that is wanted next.", { next: 1 }),
      ...attemptRefusals([], { hasBody: true }),
    },
  });
  routes.openapi(route, (c) => {
    const next = appendProgress(deps.db, c.var.held, { ...c.req.valid("json"), now: deps.now() });
    return c.json({ next }, 200);
  });
}

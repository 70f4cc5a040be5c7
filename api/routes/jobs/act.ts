import { createRoute } from "@hono/zod-openapi";
import { JobView, Submitted } from "#contract/service/job-view.ts";
import type { AppDeps } from "../../app-deps.ts";
import { allow } from "../../auth/scope.ts";
import { askFinish } from "../../db/ask-finish.ts";
import { cancelJob } from "../../db/cancel-job.ts";
import { retryJob } from "../../db/retry-job.ts";
import { idempotencyHeader, idempotent } from "../../middleware/idempotent.ts";
import { jobViewExample } from "../examples.ts";
import { answer, type Routes, refusals } from "../route.ts";
import { JobParams, viewJob } from "./read.ts";

const cancelRoute = createRoute({
  method: "post",
  path: "/jobs/{id}/cancel",
  tags: ["jobs"],
  summary: "Cancel a job",
  description:
    "A queued job is canceled at once; one at work is `canceling` until its runner has cleaned up; one that has ended stays as it is.",
  ...allow("submit"),
  request: { params: JobParams },
  responses: { 200: answer(JobView, "The job after it.", jobViewExample), ...refusals({ also: ["job.not-found"] }) },
});

const retryRoute = createRoute({
  method: "post",
  path: "/jobs/{id}/retry",
  tags: ["jobs"],
  summary: "Try a job again",
  description:
    "One that rests before its next attempt is due now; one that failed, was canceled or expired is submitted anew with the same work.",
  ...allow("submit"),
  request: { params: JobParams, headers: idempotencyHeader },
  responses: {
    200: answer(Submitted, "The same job, which is due now.", { job: jobViewExample, isNew: false }),
    201: answer(Submitted, "The new job.", { job: jobViewExample, isNew: true }),
    ...refusals({ also: ["job.not-found", "job.wrong-state", "idempotency.mismatch"] }),
  },
});

const finishRoute = createRoute({
  method: "post",
  path: "/jobs/{id}/finish-observation",
  tags: ["jobs"],
  summary: "End the observation of a job at work",
  description: "For a scenario whose `finish` is `signal`. The runner hears of it by its next heartbeat.",
  ...allow("submit"),
  request: { params: JobParams },
  responses: {
    200: answer(JobView, "The job.", jobViewExample),
    ...refusals({ also: ["job.not-found", "job.wrong-state"] }),
  },
});

export function addActions(routes: Routes, deps: AppDeps): void {
  const { db, now } = deps;
  routes.openapi(cancelRoute, (c) => {
    const { id } = c.req.valid("param");
    cancelJob(db, { jobId: id, now: now(), by: c.var.caller?.id ?? "" });
    return c.json(viewJob(deps, id), 200);
  });
  routes.openapi(retryRoute, (c) => {
    const { id } = c.req.valid("param");
    const by = c.var.caller?.id ?? "";
    const { status, answer } = idempotent(c, deps, {}, (tx) => {
      const tried = retryJob(tx, { jobId: id, now: now(), by, submitter: by });
      return {
        status: tried.id === id ? 200 : 201,
        answer: { job: viewJob({ ...deps, db: tx }, tried.id), isNew: tried.isNew },
      };
    });
    deps.queue.wake(answer.job.id);
    return c.json(answer, status);
  });
  routes.openapi(finishRoute, (c) => {
    const { id } = c.req.valid("param");
    askFinish(db, { jobId: id, now: now(), by: c.var.caller?.id ?? "" });
    return c.json(viewJob(deps, id), 200);
  });
}

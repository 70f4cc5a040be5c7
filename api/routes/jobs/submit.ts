import { createHash } from "node:crypto";
import { createRoute } from "@hono/zod-openapi";
import { canonicalJson } from "#contract/canonical-json.ts";
import { Submission, Submitted } from "#contract/service/job-view.ts";
import type { AppDeps } from "../../app-deps.ts";
import { allow } from "../../auth/scope.ts";
import { submitJob } from "../../db/submit-job.ts";
import { idempotencyHeader, idempotent } from "../../middleware/idempotent.ts";
import { jobViewExample, submissionExample } from "../examples.ts";
import { answer, jsonBody, type Routes, refusals } from "../route.ts";
import { viewJob } from "./read.ts";

const route = createRoute({
  method: "post",
  path: "/jobs",
  tags: ["jobs"],
  summary: "Submit a job",
  ...allow("submit"),
  request: { headers: idempotencyHeader, body: jsonBody(Submission, submissionExample) },
  responses: {
    200: answer(Submitted, "A job that was there already, or one that an earlier result answered.", {
      job: jobViewExample,
      isNew: false,
    }),
    201: answer(Submitted, "The new job.", { job: jobViewExample, isNew: true }),
    ...refusals({ hasBody: true, also: ["idempotency.mismatch"] }),
  },
});

export function addSubmitJob(routes: Routes, deps: AppDeps): void {
  routes.openapi(route, (c) => {
    const body = c.req.valid("json");
    const { status, answer } = idempotent(c, deps, body, (tx) => {
      const submitter = c.var.caller?.id ?? null;
      const dedupeKey = workKey(body);
      const { id, isNew } = submitJob(tx, {
        ...body,
        dedupeKey,
        submitter,
        now: deps.now(),
        workVersion: deps.version,
      });
      return { status: isNew ? 201 : 200, answer: { job: viewJob({ ...deps, db: tx }, id), isNew } };
    });
    c.set("object", answer.job.id);
    if (answer.isNew) deps.queue.wake(answer.job.id);
    c.header("location", `/api/v1/jobs/${answer.job.id}`);
    return c.json(answer, status);
  });
}

/** Two submissions with the same key ask for the same work on the same runners: while one is active, it answers the other. */
function workKey({ request, needs, force }: Submission): string {
  return createHash("sha256").update(canonicalJson({ request, needs, force })).digest("hex");
}

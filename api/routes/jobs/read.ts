import { createRoute, z } from "@hono/zod-openapi";
import { redactRequest } from "#contract/redact.ts";
import { JobId, JobView } from "#contract/service/job-view.ts";
import type { AppDeps } from "../../app-deps.ts";
import { allow } from "../../auth/scope.ts";
import { readJobView } from "../../db/read-job-view.ts";
import { readWaitReason } from "../../db/read-wait-reason.ts";
import { jobViewExample } from "../examples.ts";
import { answer, type Routes, refusals } from "../route.ts";

export const JobParams = z.object({ id: JobId });

const route = createRoute({
  method: "get",
  path: "/jobs/{id}",
  tags: ["jobs"],
  summary: "A job with all that is known of it",
  ...allow("read"),
  request: { params: JobParams },
  responses: { 200: answer(JobView, "The job.", jobViewExample), ...refusals({ also: ["job.not-found"] }) },
});

export function addReadJob(routes: Routes, deps: AppDeps): void {
  routes.openapi(route, (c) => c.json(viewJob(deps, c.req.valid("param").id), 200));
}

/** A job as every answer of the API shows it: secrets hidden, and with why it waits. Throws `job.not-found`. */
export function viewJob({ db, now, timings }: Pick<AppDeps, "db" | "now" | "timings">, jobId: string): JobView {
  const job = readJobView(db, jobId);
  const waitReason = readWaitReason(db, jobId, { now: now(), leaseMs: timings.leaseMs });
  return { ...job, waitReason, request: redactRequest(job.request) };
}

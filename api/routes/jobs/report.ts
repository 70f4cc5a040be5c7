import { createRoute } from "@hono/zod-openapi";
import { WinnowError } from "#contract/error.ts";
import { Report } from "#contract/report.ts";
import type { AppDeps } from "../../app-deps.ts";
import { allow } from "../../auth/scope.ts";
import { findArtifact } from "../../db/find-artifact.ts";
import { reportName } from "../../store/load-report.ts";
import { type Routes, rangeHeaders, refusals } from "../route.ts";
import { sendBytes } from "../send-bytes.ts";
import { bytesOf } from "./artifacts.ts";
import { JobParams } from "./read.ts";

const route = createRoute({
  method: "get",
  path: "/jobs/{id}/report",
  tags: ["artifacts"],
  summary: "The report of a job",
  description: "It never changes: keep it, or ask again with `If-None-Match`.",
  ...allow("read"),
  request: { params: JobParams, headers: rangeHeaders },
  responses: {
    200: { description: "The report.", content: { "application/json": { schema: Report } } },
    206: { description: "A part of its bytes, for `Range`.", content: { "application/json": {} } },
    304: { description: "The caller has it already." },
    ...refusals({ also: ["job.not-found", "report.not-found", "request.out-of-range", "store.failed"] }),
  },
});

export function addReport(routes: Routes, deps: AppDeps): void {
  routes.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const row = findArtifact(deps.db, id, reportName);
    if (!row) throw reportNotFound(id);
    // Typed as what is sent: the document was checked against the schema when it was stored.
    return (await sendBytes(c, { ...bytesOf(deps, row), mediaType: "application/json" })) as never;
  });
}

export function reportNotFound(jobId: string): WinnowError {
  const hint = "A job has one once it has ended, unless it ended early; see its state and its error.";
  return new WinnowError("report.not-found", `${jobId} has no report.`, hint);
}

import { createRoute, z } from "@hono/zod-openapi";
import { JobKind, JobState } from "#contract/job.ts";
import { Verdict } from "#contract/report.ts";
import { JobList } from "#contract/service/job-view.ts";
import type { AppDeps } from "../../app-deps.ts";
import { allow } from "../../auth/scope.ts";
import { toSummary } from "../../db/job-summary.ts";
import { pageJobs } from "../../db/page-jobs.ts";
import { jobSummaryExample } from "../examples.ts";
import { cursor, limit, makeCursor, paged, readCursor, several, time } from "../query.ts";
import { answer, type Routes, refusals } from "../route.ts";

const route = createRoute({
  method: "get",
  path: "/jobs",
  tags: ["jobs"],
  summary: "Jobs, newest first",
  ...allow("read"),
  request: {
    query: z.strictObject({
      limit,
      cursor: cursor.optional(),
      state: several(JobState).optional(),
      kind: several(JobKind).optional(),
      verdict: several(Verdict).optional(),
      image: z.string().max(1000).optional().openapi({ description: "The reference as it was asked for." }),
      repository: z.string().max(1000).optional().openapi({ example: "docker.io/library/nginx" }),
      since: time().optional().openapi({ description: "Submitted at this time or later; milliseconds UTC." }),
      until: time().optional().openapi({ description: "Submitted before this time." }),
    }),
  },
  responses: {
    200: answer(JobList, "A page of jobs.", { jobs: [jobSummaryExample], next: makeCursor(4711) }),
    ...refusals(),
  },
});

export function addListJobs(routes: Routes, { db }: AppDeps): void {
  routes.openapi(route, (c) => {
    const { limit: size, cursor: from, ...filters } = c.req.valid("query");
    const rows = pageJobs(db, { ...filters, before: readCursor(from), size: size + 1 });
    const { page, next } = paged(rows, size, ({ job }) => job.seq);
    return c.json({ jobs: page.map(toSummary), next }, 200);
  });
}

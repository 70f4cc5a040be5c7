import { createRoute, z } from "@hono/zod-openapi";
import { eq } from "drizzle-orm";
import { Comparison } from "#contract/service/image-view.ts";
import { JobId, type JobSummary } from "#contract/service/job-view.ts";
import type { AppDeps } from "../../app-deps.ts";
import { allow } from "../../auth/scope.ts";
import { artifactNotFound, findArtifact } from "../../db/find-artifact.ts";
import { jobNotFound } from "../../db/find-job.ts";
import { selectSummaries, toSummary } from "../../db/job-summary.ts";
import { jobs } from "../../db/schema.ts";
import { comparisonExample } from "../examples.ts";
import { reportNotFound } from "../jobs/report.ts";
import { answer, newRoutes, refusals } from "../route.ts";
import { changeOf, compareFiles } from "./compare-files.ts";
import { type KeptFile, keptFiles } from "./kept-files.ts";

/** What a job stores of every entry of its image. */
const filesName = "files.jsonl";

const route = createRoute({
  method: "get",
  path: "/compare",
  tags: ["images"],
  summary: "What became of an image between two jobs",
  description: "Figures of both reports, and the paths that only one of the slim images has, the largest first.",
  ...allow("read"),
  request: { query: z.strictObject({ from: JobId, to: JobId }) },
  responses: {
    200: answer(Comparison, "From one job to the other.", comparisonExample),
    ...refusals({ also: ["job.not-found", "report.not-found", "artifact.not-found", "store.failed"] }),
  },
});

export function compareRoutes(deps: AppDeps) {
  return newRoutes().openapi(route, async (c) => {
    const query = c.req.valid("query");
    const [from, to] = [reportedJob(deps, query.from), reportedJob(deps, query.to)];
    const { entries, added, removed, isCut } = await compareFiles(
      await filesOf(deps, query.from),
      await filesOf(deps, query.to),
    );
    const figures = {
      fatBytes: changeOf(from.summary.fatBytes, to.summary.fatBytes),
      slimBytes: changeOf(from.summary.slimBytes, to.summary.slimBytes),
      ratio: changeOf(from.summary.ratio, to.summary.ratio),
      entries: changeOf(entries.from, entries.to),
      durationMs: changeOf(from.summary.durationMs, to.summary.durationMs),
    };
    return c.json({ from, to, figures, added, removed, isCut }, 200);
  });
}

/** Throws `job.not-found` and `report.not-found`. */
function reportedJob({ db }: AppDeps, jobId: string) {
  const row = selectSummaries(db).where(eq(jobs.id, jobId)).get();
  if (!row) throw jobNotFound(jobId);
  const job: JobSummary = toSummary(row);
  if (!job.summary) throw reportNotFound(jobId);
  return { ...job, summary: job.summary };
}

async function filesOf({ db, store }: AppDeps, jobId: string): Promise<AsyncIterable<KeptFile>> {
  const row = findArtifact(db, jobId, filesName);
  if (!row) throw artifactNotFound(jobId, filesName);
  return keptFiles(await store.get(row.key));
}

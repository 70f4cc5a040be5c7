import { createRoute, z } from "@hono/zod-openapi";
import { WinnowError } from "#contract/error.ts";
import { repositoryOf } from "#contract/reference.ts";
import { ImageList, ImageView } from "#contract/service/image-view.ts";
import type { AppDeps } from "../../app-deps.ts";
import { allow } from "../../auth/scope.ts";
import { toSummary } from "../../db/job-summary.ts";
import { findImage, listImages } from "../../db/list-images.ts";
import { pageJobs } from "../../db/page-jobs.ts";
import { readTrend } from "../../db/read-trend.ts";
import { faultsOf, InvalidRequest } from "../../problem.ts";
import { imageExample, jobSummaryExample, trendExample } from "../examples.ts";
import { cursor, limit, makeCursor, paged, readCursor } from "../query.ts";
import { answer, newRoutes, refusals } from "../route.ts";
import { downSample } from "./down-sample.ts";

/** As many as a chart can show. */
const maxPoints = 2000;
const recentJobs = 20;

const access = allow("read");

const listRoute = createRoute({
  method: "get",
  path: "/images",
  tags: ["images"],
  summary: "Repositories, those with the newest job first",
  ...access,
  request: { query: z.strictObject({ limit, cursor: cursor.optional() }) },
  responses: {
    200: answer(ImageList, "A page of repositories.", { images: [imageExample], next: makeCursor(4711) }),
    ...refusals(),
  },
});

const readRoute = createRoute({
  method: "get",
  path: "/images/{repository}",
  tags: ["images"],
  summary: "A repository: its newest jobs and its sizes over time",
  description:
    "The repository with its slashes, as they are or as `%2F`; also as people write it (`nginx` is `docker.io/library/nginx`). The trend " +
    "has at most 2,000 points: of more, those with the smallest and the largest sizes of each stretch of time.",
  ...access,
  request: {
    params: z.object({
      repository: z.string().min(1).max(1000).openapi({ example: "docker.io/library/nginx" }),
    }),
  },
  responses: {
    200: answer(ImageView, "The repository.", { ...imageExample, recent: [jobSummaryExample], trend: [trendExample] }),
    ...refusals({ also: ["image.unknown"] }),
  },
});

export function imageRoutes({ db }: AppDeps) {
  const routes = newRoutes();
  routes.openapi(listRoute, (c) => {
    const { limit: size, cursor: from } = c.req.valid("query");
    const { page, next } = paged(
      listImages(db, { size: size + 1, before: readCursor(from) }),
      size,
      (row) => row.lastSeq,
    );
    return c.json({ images: page.map(({ lastSeq: _own, ...image }) => image), next }, 200);
  });
  // The document names it `{repository}`; the pattern lets the slashes be, which a proxy may have decoded.
  routes.openAPIRegistry.registerPath(readRoute);
  routes.get("/images/:repository{.+}", access.middleware, (c) => {
    const params = readRoute.request.params.safeParse(c.req.param());
    if (!params.success) throw new InvalidRequest(faultsOf("param", params.error));
    const { repository } = params.data;
    const image = findImage(db, repository) ?? findImage(db, repositoryOf(repository));
    if (!image) throw imageUnknown(repository);
    const recent = pageJobs(db, { repository: image.repository, size: recentJobs }).map(toSummary);
    const trend = downSample(readTrend(db, image.repository), maxPoints);
    return c.json({ ...image, recent, trend } satisfies ImageView, 200);
  });
  return routes;
}

function imageUnknown(repository: string): WinnowError {
  const detail = `No job was ever submitted for ${JSON.stringify(repository)}.`;
  return new WinnowError("image.unknown", detail, "`GET /api/v1/images` lists the repositories that are known.");
}

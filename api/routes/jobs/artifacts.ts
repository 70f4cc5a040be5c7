import { createRoute, z } from "@hono/zod-openapi";
import { ArtifactList } from "#contract/service/job-view.ts";
import { ArtifactName } from "#contract/service/runner-protocol.ts";
import type { AppDeps } from "../../app-deps.ts";
import { allow } from "../../auth/scope.ts";
import { type ArtifactRow, artifactNotFound, findArtifact, listArtifacts } from "../../db/find-artifact.ts";
import { digestExample, jobId } from "../examples.ts";
import { flag } from "../query.ts";
import { answer, bytesAnswer, type Routes, rangeHeaders, refusals } from "../route.ts";
import { sendBytes } from "../send-bytes.ts";
import { JobParams } from "./read.ts";

/** How long a URL of the store is good, ms. */
const presignedMs = 60_000;

const listRoute = createRoute({
  method: "get",
  path: "/jobs/{id}/artifacts",
  tags: ["artifacts"],
  summary: "What a job stored",
  ...allow("read"),
  request: { params: JobParams },
  responses: {
    200: answer(ArtifactList, "By name. Those of the job whose result it was answered with, if there is one.", {
      artifacts: [{ name: "report.json", bytes: 18_211, sha256: digestExample, createdAt: 1_795_000_007_460 }],
    }),
    ...refusals({ also: ["job.not-found"] }),
  },
});

const PresignedUrl = z.object({ url: z.string(), expiresAt: z.int() });
const presignedExample = {
  url: `https://storage.example/winnow/jobs/${jobId}/1/report.json?X-Amz-Signature=0`,
  expiresAt: 1_795_000_060_000,
};

const readRoute = createRoute({
  method: "get",
  path: "/jobs/{id}/artifacts/{name}",
  tags: ["artifacts"],
  summary: "The bytes of an artifact",
  description:
    "With `presign=1` the answer is JSON with a URL that is good for a minute and needs no token. Where the store cannot give one, the URL " +
    "is this one again, without its host.",
  ...allow("read"),
  request: {
    params: JobParams.extend({ name: ArtifactName }),
    query: z.strictObject({ presign: flag().optional() }),
    headers: rangeHeaders,
  },
  responses: {
    ...bytesAnswer("application/octet-stream"),
    200: {
      description: "All bytes, or where they are.",
      content: {
        "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) },
        ...answer(PresignedUrl, "", presignedExample).content,
      },
    },
    ...refusals({ also: ["job.not-found", "artifact.not-found", "request.out-of-range", "store.failed"] }),
  },
});

export function addArtifacts(routes: Routes, deps: AppDeps): void {
  const { db, store, now } = deps;
  routes.openapi(listRoute, (c) => {
    const rows = listArtifacts(db, c.req.valid("param").id);
    const artifacts = rows.map(({ name, bytes, sha256, createdAt }) => ({ name, bytes, sha256, createdAt }));
    return c.json({ artifacts }, 200);
  });
  routes.openapi(readRoute, async (c) => {
    const { id, name } = c.req.valid("param");
    const row = findArtifact(db, id, name);
    if (!row) throw artifactNotFound(id, name);
    if (c.req.valid("query").presign) {
      const grant = { expiresMs: presignedMs, fileName: name, mediaType: "application/octet-stream" };
      const url = (await store.presignGet?.(row.key, grant)) ?? c.req.path;
      return c.json({ url, expiresAt: now() + presignedMs }, 200);
    }
    return await sendBytes(c, { ...bytesOf(deps, row), mediaType: "application/octet-stream" });
  });
}

/** For `sendBytes`, but for their type. */
export function bytesOf({ store }: AppDeps, { jobId: owner, name, key, bytes, sha256 }: ArtifactRow) {
  return {
    size: bytes,
    etag: `"${sha256}"`,
    fileName: `${owner}-${name}`,
    read: (range?: { start: number; end: number }) => store.get(key, range),
  };
}

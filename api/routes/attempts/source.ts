import { createRoute } from "@hono/zod-openapi";
import { Source, SourceAnswer } from "#contract/service/runner-protocol.ts";
import type { AppDeps } from "../../app-deps.ts";
import { asAttempt } from "../../auth/attempt.ts";
import { findArtifact } from "../../db/find-artifact.ts";
import { findRunner } from "../../db/find-runner.ts";
import { recordSource } from "../../db/record-source.ts";
import { loadReport, reportName } from "../../store/load-report.ts";
import { jobId } from "../examples.ts";
import { answer, jsonBody, type Routes } from "../route.ts";
import { AttemptParams, attemptPath, attemptRefusals } from "./attempt.ts";

const digest = `sha256:${"a".repeat(64)}`;

/** `POST …/source`: what the reference was resolved to; the answer may be an earlier result. */
export function addSource(routes: Routes, deps: AppDeps): void {
  const route = createRoute({
    method: "post",
    path: `${attemptPath}/source`,
    tags: ["attempts"],
    summary: "Tell what the image reference was resolved to",
    ...asAttempt(deps),
    request: {
      params: AttemptParams,
      body: jsonBody(Source, { key: digest, chainId: digest, os: "linux", architecture: "amd64" }),
    },
    responses: {
      200: answer(SourceAnswer, "To work, or an earlier result that will do.", {
        action: "cached",
        jobId,
        slim: { tags: ["nginx.slim:1.27"], chainId: digest },
      }),
      ...attemptRefusals(["store.failed"], { hasBody: true }),
    },
  });
  routes.openapi(route, async (c) => {
    const { held } = c.var;
    // The runner does the work, so that its version is the one that counts.
    const workVersion = findRunner(deps.db, held.runner)?.version ?? deps.version;
    const { cachedFrom } = recordSource(deps.db, held, { source: c.req.valid("json"), workVersion });
    return c.json(cachedFrom === undefined ? work : await cached(deps, cachedFrom), 200);
  });
}

const work: SourceAnswer = { action: "work" };

/** What the runner must have of an earlier result to give it. One whose report says nothing of its image any more is no result. */
async function cached({ db, store }: AppDeps, jobId: string): Promise<SourceAnswer> {
  const found = findArtifact(db, jobId, reportName);
  if (!found) return work;
  const { slim } = await loadReport(store, found);
  return { action: "cached", jobId, slim: slim && { tags: slim.tags, chainId: slim.chainId } };
}

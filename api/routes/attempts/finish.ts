import { createHash } from "node:crypto";
import { createRoute } from "@hono/zod-openapi";
import { canonicalJson } from "#contract/canonical-json.ts";
import { WinnowError } from "#contract/error.ts";
import { Finish, Finished, logNextHeader } from "#contract/service/runner-protocol.ts";
import type { AppDeps } from "../../app-deps.ts";
import { asAttempt } from "../../auth/attempt.ts";
import { type FoundAttempt, findAttempt, isAtWork } from "../../db/find-attempt.ts";
import { finishAttempt } from "../../db/finish-attempt.ts";
import { offerUpload } from "../../db/offer-upload.ts";
import { LogGap } from "../../logs/attempt-logs.ts";
import { inTurn } from "../../logs/in-turn.ts";
import { logName, sealLog } from "../../logs/seal-log.ts";
import { answer, jsonBody, type Routes } from "../route.ts";
import { AttemptParams, attemptPath, attemptRefusals } from "./attempt.ts";
import { readOwnReport } from "./own-report.ts";

/** `POST …/finish`: how the attempt ended. */
export function addFinish(routes: Routes, deps: AppDeps): void {
  const takeTurn = inTurn();
  const route = createRoute({
    method: "post",
    path: `${attemptPath}/finish`,
    tags: ["attempts"],
    summary: "Tell how the attempt ended",
    description: "Equal bodies get equal answers, however often and however late.",
    ...asAttempt(deps, { isForEnded: true }),
    request: {
      params: AttemptParams,
      body: jsonBody(Finish, { outcome: { state: "succeeded" }, log: { bytes: 4096, sha256: "c".repeat(64) } }),
    },
    responses: {
      200: answer(Finished, "The job's state: `queued` when it is tried again.", { state: "succeeded" }),
      ...attemptRefusals(["log.gap", "artifact.mismatch", "store.failed", "disk.full"], { hasBody: true }),
    },
  });
  routes.openapi(route, async (c) => {
    const { jobId, attempt } = c.var.held;
    try {
      // One after the other: a repeated call that overtook the first would find the log half sealed.
      const state = await takeTurn(`${jobId}/${attempt}`, () => finish(deps, c.var.held, c.req.valid("json")));
      if (state === "queued") deps.queue.wake(jobId);
      return c.json({ state }, 200);
    } catch (thrown) {
      if (thrown instanceof LogGap) c.header(logNextHeader, String(thrown.next));
      throw thrown;
    }
  });
}

async function finish(deps: AppDeps, held: FoundAttempt, body: Finish): Promise<string> {
  const { db, store, logs, now } = deps;
  const { outcome, log, cachedFrom } = body;
  const finishHash = createHash("sha256").update(canonicalJson(body)).digest("hex");
  const ending = { outcome, cachedFrom, finishHash, random: Math.random() };
  const current = findAttempt(db, held); // it may have ended while this call waited for its turn
  if (!current || !isAtWork(current)) return finishAttempt(db, held, { ...ending, now: now(), report: null });
  const report = await readOwnReport(deps, held);
  if (!report && outcome.state === "succeeded" && held.kind !== "info" && cachedFrom === undefined)
    throw noReport(held);
  // Before the transaction, or its row would lead to an object that may never be there; the file goes after it.
  offerUpload(db, held, { name: logName, ...log, now: now() });
  const sealed = await sealLog({ logs, store }, held, log);
  const artifacts = [{ name: logName, ...sealed }];
  const state = finishAttempt(db, held, { ...ending, now: now(), report, artifacts });
  // No row leads to the log of an attempt that is followed by another: its file can be read until upkeep takes it.
  if (state !== "queued") await dropLog(deps, held);
  return state;
}

/** The job is finished by now, so that a failure here is upkeep's. */
async function dropLog({ logs, log }: AppDeps, { jobId, attempt }: FoundAttempt): Promise<void> {
  try {
    await logs.drop(jobId, attempt);
  } catch (err) {
    log.warn({ jobId, attempt, err }, "log not dropped");
  }
}

function noReport({ jobId }: FoundAttempt): WinnowError {
  return new WinnowError(
    "request.invalid",
    `${jobId} did not succeed without a report.`,
    "Send and commit the artifact report.json before finishing.",
  );
}

import { createRoute, z } from "@hono/zod-openapi";
import { WinnowError } from "#contract/error.ts";
import { LogAnswer, logNextHeader, maxLogChunkBytes } from "#contract/service/runner-protocol.ts";
import type { AppDeps } from "../../app-deps.ts";
import { asAttempt } from "../../auth/attempt.ts";
import { assertHeld } from "../../db/assert-held.ts";
import { LogGap } from "../../logs/attempt-logs.ts";
import { answer, type Routes } from "../route.ts";
import { AttemptParams, attemptPath, attemptRefusals } from "./attempt.ts";
import { binary } from "./binary.ts";

/** `PATCH …/log?offset=B`: bytes of the log, which begin at that offset. */
export function addPatchLog(routes: Routes, deps: AppDeps): void {
  const route = createRoute({
    method: "patch",
    path: `${attemptPath}/log`,
    tags: ["attempts"],
    summary: "Add to the log of an attempt",
    description: "What is there already is passed over, so that a chunk may come twice; other bytes there are refused.",
    ...asAttempt(deps),
    request: {
      params: AttemptParams,
      query: z.object({ offset: z.string().regex(/^(0|[1-9][0-9]{0,14})$/, "write where the chunk begins, in bytes") }),
      body: binary,
    },
    responses: {
      202: answer(LogAnswer, "The offset that is wanted next.", { next: 4096 }),
      ...attemptRefusals(["log.gap", "disk.full", "store.failed"], { hasBody: true }),
    },
  });
  routes.openapi(route, async (c) => {
    const { held } = c.var;
    if (Number(c.req.header("content-length") ?? 0) > maxLogChunkBytes) throw tooLarge(); // before it is read
    const chunk = Buffer.from(await c.req.arrayBuffer());
    if (chunk.length > maxLogChunkBytes) throw tooLarge();
    assertHeld(deps.db, held); // after the body has come: that may take as long as a lease
    try {
      const offset = Number(c.req.valid("query").offset);
      return c.json({ next: await deps.logs.append(held.jobId, held.attempt, offset, chunk) }, 202);
    } catch (thrown) {
      if (thrown instanceof LogGap) c.header(logNextHeader, String(thrown.next));
      throw thrown;
    }
  });
}

function tooLarge(): WinnowError {
  const detail = `A chunk of a log has at most ${maxLogChunkBytes} bytes.`;
  return new WinnowError("request.too-large", detail, "Send it in more chunks.");
}

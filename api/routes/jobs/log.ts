import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { createRoute, z } from "@hono/zod-openapi";
import type { AppDeps } from "../../app-deps.ts";
import { allow } from "../../auth/scope.ts";
import { findLog } from "../../db/find-log.ts";
import { logName } from "../../logs/seal-log.ts";
import type { ByteRange } from "../../store/store.ts";
import { flag, wholeNumber } from "../query.ts";
import { bytesAnswer, type Routes, rangeHeaders, refusals } from "../route.ts";
import { sendBytes, toWeb } from "../send-bytes.ts";
import { draining } from "./events.ts";
import { JobParams } from "./read.ts";
import type { Seats } from "./seats.ts";

/** Bytes of one step of a log that is followed. */
const stepBytes = 1 << 20;

const route = createRoute({
  method: "get",
  path: "/jobs/{id}/log",
  tags: ["jobs"],
  summary: "The log of a job, also while it is at work",
  description:
    "Of its newest attempt, or of `attempt`. With `follow=1` the answer begins at byte `from` and goes on until the attempt has ended, " +
    "or for ten minutes; otherwise it is what is there, or the part that `Range` asks for.",
  ...allow("read"),
  request: {
    params: JobParams,
    query: z.strictObject({
      attempt: wholeNumber({ min: 1, max: 100_000 }).optional(),
      follow: flag().optional(),
      from: wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }).default(0),
    }),
    headers: rangeHeaders,
  },
  responses: {
    ...bytesAnswer("application/octet-stream"),
    ...refusals({ also: ["job.not-found", "request.out-of-range", "store.failed", "service.draining"] }),
  },
});

export function addJobLog(routes: Routes, deps: AppDeps, seats: Seats): void {
  routes.openapi(route, async (c) => {
    const { id } = c.req.valid("param");
    const { attempt, follow: isFollowed, from } = c.req.valid("query");
    if (isFollowed) {
      if (deps.lifecycle.isDraining) throw draining();
      findLog(deps.db, { jobId: id, name: logName });
      const leave = seats.take(c.var.caller?.id ?? "");
      const pieces = Readable.from(follow(deps, { jobId: id, attempt, from }), { objectMode: false });
      pieces.once("close", leave);
      c.header("content-type", "application/octet-stream");
      c.header("content-disposition", `attachment; filename="${id}-${logName}"`);
      c.header("x-accel-buffering", "no");
      if (c.req.method === "HEAD") pieces.destroy();
      return c.body(toWeb(pieces), 200);
    }
    const { size, etag, read } = await openLog(deps, { jobId: id, attempt });
    const mediaType = "application/octet-stream";
    return await sendBytes(c, { size, etag, read, fileName: `${id}-${logName}`, mediaType });
  });
}

type Wanted = { jobId: string; attempt?: number };

/** A log that is not there yet is an empty one. Throws `job.not-found`. */
async function openLog({ db, store, logs }: AppDeps, wanted: Wanted) {
  const { jobId, attempt, stored, willGrow } = findLog(db, { ...wanted, name: logName });
  if (stored) {
    const read = (range?: ByteRange) => store.get(stored.key, range);
    return { size: stored.bytes, etag: `"${stored.sha256}"`, read, willGrow: false };
  }
  const size = attempt === 0 ? 0 : ((await logs.size(jobId, attempt)) ?? 0);
  const read = async (range: ByteRange = { start: 0, end: size - 1 }) => {
    try {
      return await logs.read(jobId, attempt, range);
    } catch (thrown) {
      // Sealed between the look and the read: the same bytes are in the store now.
      const sealed = findLog(db, { ...wanted, name: logName }).stored;
      if (!sealed) throw thrown;
      return await store.get(sealed.key, range);
    }
  };
  return { size, etag: undefined, read, willGrow };
}

/** The log from byte `from` on, as it grows. */
async function* follow(deps: AppDeps, { from, ...wanted }: Wanted & { from: number }): AsyncGenerator<Buffer> {
  const { settings, lifecycle } = deps;
  const begun = performance.now();
  for (let at = from; ; ) {
    const { size, read, willGrow } = await openLog(deps, wanted);
    if (size > at) {
      for await (const piece of await read({ start: at, end: Math.min(size, at + stepBytes) - 1 })) {
        at += piece.length;
        yield piece;
      }
    } else if (!willGrow || lifecycle.isDraining || performance.now() - begun > settings.streamMs) return;
    else await sleep(settings.lookMs);
  }
}

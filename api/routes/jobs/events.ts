import { createRoute, z } from "@hono/zod-openapi";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { WinnowError } from "#contract/error.ts";
import { JobEvent } from "#contract/service/job-view.ts";
import type { AppDeps } from "../../app-deps.ts";
import { allow } from "../../auth/scope.ts";
import { eventsAfter } from "../../db/events-after.ts";
import { isOver, stateOf } from "../../db/state-of.ts";
import { wholeNumber } from "../query.ts";
import { type Routes, refusals } from "../route.ts";
import { JobParams } from "./read.ts";
import type { Seats } from "./seats.ts";

/** After how long a client should come back when the stream ends while its job goes on, ms. */
const retryMs = 1000;

const route = createRoute({
  method: "get",
  path: "/jobs/{id}/events",
  tags: ["jobs"],
  summary: "What happens to a job, as it happens (server-sent events)",
  description:
    "Each event has the `seq` of a JobEvent as its id, its kind as its name and the JobEvent as its data. The stream begins with what " +
    "is there already, after `Last-Event-ID` or `since`; it ends when the job has ended, with the event `end`, or after ten minutes.",
  ...allow("read"),
  request: {
    params: JobParams,
    query: z.strictObject({ since: wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }).optional() }),
    headers: z.object({
      "last-event-id": wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }).optional(),
    }),
  },
  responses: {
    200: {
      description: "The events.",
      content: { "text/event-stream": { schema: JobEvent, example: 'id: 12\nevent: state\ndata: {"seq":12}\n\n' } },
    },
    ...refusals({ also: ["job.not-found", "service.draining"] }),
  },
});

export function addJobEvents(routes: Routes, deps: AppDeps, seats: Seats): void {
  routes.openapi(route, (c) => {
    const { id } = c.req.valid("param");
    stateOf(deps.db, id);
    if (deps.lifecycle.isDraining) throw draining();
    const after = c.req.valid("header")["last-event-id"] ?? c.req.valid("query").since ?? 0;
    const leave = seats.take(c.var.caller?.id ?? "");
    c.header("x-accel-buffering", "no");
    c.header("cache-control", "no-cache, no-transform");
    return streamSSE(c, async (stream) => {
      try {
        await tell(stream, deps, id, after);
      } finally {
        leave();
      }
    });
  });
}

/** Sends events until the job is over, the viewer is gone, or it is time to come back. */
async function tell(stream: SSEStreamingApi, deps: AppDeps, jobId: string, after: number): Promise<void> {
  const { settings } = deps;
  const begun = performance.now();
  let [seen, spoke] = [after, begun];
  await stream.write(`retry: ${retryMs}\n\n`);
  while (!stream.aborted && !stream.closed) {
    const state = stateOf(deps.db, jobId); // before the events: those of its end are there when it has ended
    const news = eventsAfter(deps.db, jobId, seen);
    for (const event of news) {
      await stream.writeSSE({ id: String(event.seq), event: event.kind, data: JSON.stringify(event) });
      seen = event.seq;
    }
    const now = performance.now();
    if (news.length > 0) spoke = now;
    else if (isOver(state)) return await stream.writeSSE({ event: "end", data: JSON.stringify({ state }) });
    else if (now - begun > settings.streamMs || deps.lifecycle.isDraining) return;
    else if (now - spoke > settings.pingMs) {
      await stream.write(": still there\n\n");
      spoke = now;
    }
    if (news.length === 0) await stream.sleep(settings.lookMs);
  }
}

/** For those who would begin to watch now. */
export function draining(): WinnowError {
  return new WinnowError("service.draining", "The server is about to stop.", "Try again in some seconds.");
}

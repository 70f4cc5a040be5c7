import { createRoute } from "@hono/zod-openapi";
import { Claimed, ClaimRequest } from "#contract/service/runner-protocol.ts";
import type { AppDeps } from "../../app-deps.ts";
import { asRunner } from "../../auth/runner.ts";
import { TryLater } from "../../problem.ts";
import { jobId, submissionExample } from "../examples.ts";
import { answer, jsonBody, type Routes, refusals } from "../route.ts";

/** After how long a runner may ask again a server that was about to stop: another process may have its place by then. */
const drainedMs = 2_000;

/** `POST /runner/claim`: waits for jobs that the runner can do. */
export function addClaim(routes: Routes, deps: AppDeps): void {
  const route = createRoute({
    method: "post",
    path: "/runner/claim",
    tags: ["runner"],
    summary: "Claim jobs",
    description: "Waits up to `waitMs`. The same `claimId` gives the same attempts again while they were not started.",
    ...asRunner(deps),
    request: { body: jsonBody(ClaimRequest, { claimId: "6b0f6f5e-5b3a-4a52-9c1e-0d6a3f1c2b4d", slots: 1 }) },
    responses: {
      200: answer(Claimed, "Jobs, each with the token of its attempt.", {
        jobs: [
          {
            jobId,
            attempt: 1,
            lease: 1,
            token: `watt_${"A".repeat(43)}1234ab`,
            request: submissionExample.request,
            force: false,
          },
        ],
      }),
      204: { description: "There was nothing to do." },
      ...refusals({ also: ["protocol.too-old", "service.draining"], hasBody: true }),
    },
  });
  routes.openapi(route, async (c) => {
    const { runner } = c.var;
    if (deps.lifecycle.isDraining) throw draining();
    const { claimId, slots, waitMs } = c.req.valid("json");
    const { signal } = c.req.raw; // aborts when the runner hangs up: its place goes to others
    const leases = await deps.queue.claim({ runnerId: runner.id, claimId, slots, waitMs, signal });
    if (leases.length > 0) return c.json({ jobs: leases.map(({ expiresAt: _, ...job }) => job) }, 200);
    if (deps.lifecycle.isDraining) throw draining();
    return c.body(null, 204);
  });
}

function draining(): TryLater {
  return new TryLater(
    "service.draining",
    "The server is about to stop and hands out no more jobs.",
    "Ask again after the time that `Retry-After` says.",
    drainedMs,
  );
}

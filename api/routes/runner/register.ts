import { createRoute } from "@hono/zod-openapi";
import { Registered, Registration, RunnerFacts, Session } from "#contract/service/runner-protocol.ts";
import { Timings } from "#contract/service/timings.ts";
import type { AppDeps } from "../../app-deps.ts";
import { checkProtocol } from "../../auth/protocol.ts";
import { asRunner } from "../../auth/runner.ts";
import { allow } from "../../auth/scope.ts";
import { hashToken, makeToken } from "../../auth/token.ts";
import type { Reaped } from "../../db/lose-attempt.ts";
import { openSession } from "../../db/open-session.ts";
import { registerRunner } from "../../db/register-runner.ts";
import { answer, jsonBody, type Routes, refusals } from "../route.ts";

const factsExample = {
  bootId: "0c7b8f7e-8a53-4a0e-9d53-0f6f3c1c7f0a",
  version: "0.1.0",
  labels: { pool: "default" },
  slots: 2,
  engine: { version: "27.5.1", storage: "overlay2", kernel: "6.1.0", architectures: ["amd64"] },
};
const sessionExample = { runnerId: "run_5f0c6a1e9b2d4c83", serverTime: 1_795_000_000_000, timings: Timings.parse({}) };

/** `POST /runners`: makes a runner known and gives it its token. */
export function addRegister(routes: Routes, deps: AppDeps): void {
  const { security, middleware } = allow("runner");
  const route = createRoute({
    method: "post",
    path: "/runners",
    tags: ["runner"],
    summary: "Register a runner",
    description: "The same `systemId` is the same runner, with a new token; the earlier one is void.",
    security,
    middleware: [middleware, checkProtocol],
    request: {
      body: jsonBody(Registration, {
        ...factsExample,
        name: "build-host-1",
        systemId: "9a1f0c52-6f0e-4a3b-8d2c-3b1e7f6a5c4d",
      }),
    },
    responses: {
      200: answer(Registered, "The runner's token is shown here and never again.", {
        ...sessionExample,
        token: `wrun_${"A".repeat(43)}1234ab`,
      }),
      ...refusals({ also: ["protocol.too-old"], hasBody: true }),
    },
  });
  routes.openapi(route, (c) => {
    const token = makeToken("wrun");
    const registration = c.req.valid("json");
    const { id, lost } = registerRunner(deps.db, { registration, tokenHash: hashToken(token), now: deps.now() });
    begin(deps, id, lost);
    c.set("object", id);
    return c.json({ ...sessionOf(deps, id), token }, 200);
  });
}

/** `POST /runner/session`: a process of the runner begins. */
export function addOpenSession(routes: Routes, deps: AppDeps): void {
  const route = createRoute({
    method: "post",
    path: "/runner/session",
    tags: ["runner"],
    summary: "Begin to work",
    description: "A new `bootId` ends what the runner still held.",
    ...asRunner(deps),
    request: { body: jsonBody(RunnerFacts, factsExample) },
    responses: {
      200: answer(Session, "All intervals are the server's.", sessionExample),
      ...refusals({ also: ["protocol.too-old", "runner.not-found"], hasBody: true }),
    },
  });
  routes.openapi(route, (c) => {
    const { id } = c.var.runner;
    begin(deps, id, openSession(deps.db, { runnerId: id, facts: c.req.valid("json"), now: deps.now() }));
    return c.json(sessionOf(deps, id), 200);
  });
}

/** Claims that an earlier process of the runner left waiting go, and what it held goes to others. */
function begin({ queue }: AppDeps, runnerId: string, lost: Reaped[]): void {
  queue.endFor(runnerId);
  for (const { jobId, state } of lost) if (state === "queued") queue.wake(jobId);
}

function sessionOf({ now, timings }: AppDeps, runnerId: string): Session {
  return { runnerId, serverTime: now(), timings };
}

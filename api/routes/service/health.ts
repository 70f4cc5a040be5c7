import { createRoute } from "@hono/zod-openapi";
import { Health } from "#contract/service/admin-view.ts";
import type { AppDeps } from "../../app-deps.ts";
import { countMigrations, probeWrite } from "../../db/probe-database.ts";
import { answer, newRoutes } from "../route.ts";

/** How long the store may take, and how long what was found out about it holds, ms. */
const storeMs = 2000;

/** No job has it; a store that is well says so. */
const probeKey = "jobs/job_0/1/probe";

const fine = { isOk: true, detail: "" };
const liveExample = { isOk: true, checks: { process: fine } };
const readyExample = { isOk: true, checks: { process: fine, database: fine, migrations: fine, store: fine } };

const liveRoute = createRoute({
  method: "get",
  path: "/livez",
  tags: ["service"],
  summary: "Whether the process lives",
  security: [],
  responses: { 200: answer(Health, "It does.", liveExample) },
});

const readyRoute = createRoute({
  method: "get",
  path: "/readyz",
  tags: ["service"],
  summary: "Whether requests should be sent here",
  security: [],
  responses: {
    200: answer(Health, "All is well.", readyExample),
    503: answer(Health, "Something is not, or the process is about to stop.", {
      isOk: false,
      checks: { ...readyExample.checks, process: { isOk: false, detail: "about to stop" } },
    }),
  },
});

type Check = Health["checks"][string];

export function healthRoutes(deps: AppDeps) {
  const { db, now, lifecycle } = deps;
  const migrations = countMigrations(db);
  const checkStore = storeCheck(deps);
  return newRoutes()
    .openapi(liveRoute, (c) => c.json(liveExample, 200))
    .openapi(readyRoute, async (c) => {
      const checks = {
        process: { isOk: !lifecycle.isDraining, detail: lifecycle.isDraining ? "about to stop" : "" },
        database: await attempt(() => probeWrite(db, now())),
        migrations: await attempt(() => {
          if (countMigrations(db) !== migrations) throw new Error("another version has migrated the database");
        }),
        store: await checkStore(),
      };
      const isOk = Object.values(checks).every((check) => check.isOk);
      for (const [name, check] of Object.entries(checks))
        if (!check.isOk) deps.log.warn({ check: name, detail: check.detail }, "not ready");
      // What exactly failed may name paths and hosts: that is for the log.
      const shown = Object.entries(checks).map(([name, check]) => [
        name,
        check.isOk ? fine : { isOk: false, detail: told[name] },
      ]);
      return c.json({ isOk, checks: Object.fromEntries(shown) }, isOk ? 200 : 503);
    });
}

const told: Record<string, string> = {
  process: "about to stop",
  database: "cannot be written",
  migrations: "another version has migrated the database",
  store: "does not answer as it should",
};

/** Asks the store, but not for every request anew. */
function storeCheck({ store }: AppDeps): () => Promise<Check> {
  let last: { at: number; result: Promise<Check> } | undefined;
  return () => {
    const at = performance.now();
    if (!last || at - last.at > storeMs) last = { at, result: attempt(() => within(storeMs, store.stat(probeKey))) };
    return last.result;
  };
}

async function attempt(work: () => unknown): Promise<Check> {
  try {
    await work();
    return fine;
  } catch (thrown) {
    return { isOk: false, detail: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

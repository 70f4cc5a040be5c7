import Database from "better-sqlite3";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { WinnowError } from "#contract/error.ts";
import type { AppEnv } from "./app-env.ts";
import { appUnderTest } from "./app-under-test.ts";
import { answerError } from "./problem.ts";

/** What is answered and logged when a handler throws this. */
async function answerTo(thrown: Error) {
  const { deps, logged } = appUnderTest();
  deps.log.level = "debug";
  const app = new Hono<AppEnv>().onError(answerError(deps)).get("/", () => Promise.reject(thrown));
  const answer = await app.request("/");
  const [line, ...more] = logged;
  return { answer, line: line ?? {}, more };
}

const levels = { debug: 20, info: 30, error: 50 };
const sqlite = (code: string) => new Error("Failed query", { cause: new Database.SqliteError("no", code) });

describe("the log of requests that failed", () => {
  it.each([
    ["a request that is wrong", new WinnowError("job.not-found", "m", "h"), levels.debug, false],
    ["a lease that was lost", new WinnowError("lease.lost", "m", "h"), levels.debug, false],
    ["a server that stops", new WinnowError("service.draining", "m", "h"), levels.info, false],
    ["a database that another process holds", sqlite("SQLITE_BUSY_SNAPSHOT"), levels.info, false],
    ["a store that is down", new WinnowError("store.failed", "m", "h"), levels.error, true],
    ["a full disk", sqlite("SQLITE_FULL"), levels.error, true],
    ["a fault of ours", new TypeError("x is undefined"), levels.error, true],
  ])("has one line for %s", async (_name, thrown, level, hasStack) => {
    const { line, more } = await answerTo(thrown);
    expect(line).toMatchObject({ level, method: "GET", path: "/" });
    expect(["err" in line, more]).toEqual([hasStack, []]);
  });
});

it("a full disk is answered by a problem that may pass", async () => {
  const { answer } = await answerTo(sqlite("SQLITE_FULL"));
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([507, "1"]);
  expect(await answer.json()).toMatchObject({ code: "disk.full", hint: expect.stringMatching(/Free space/) });
});

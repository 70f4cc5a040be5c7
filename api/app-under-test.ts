// For tests: the app on a private database and a directory store, called as a client calls it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { onTestFinished } from "vitest";
import type { z } from "zod";
import { Timings } from "#contract/service/timings.ts";
import type { TokenScope } from "#contract/service/token.ts";
import { createApp } from "./app.ts";
import { type AppDeps, defaultSettings, type Settings } from "./app-deps.ts";
import { issueToken } from "./db/issue-token.ts";
import { openDatabase } from "./db/open.ts";
import { attemptLogs } from "./logs/attempt-logs.ts";
import { createQueue } from "./queue/job-queue.ts";
import { directoryStore } from "./store/directory.ts";

export type Call = { token?: string; body?: unknown; headers?: Record<string, string> };

/** Removes what it made when the test has finished. `clock` can be moved. */
export function appUnderTest(change: Partial<Omit<AppDeps, "settings">> & { settings?: Partial<Settings> } = {}) {
  const directory = mkdtempSync(join(tmpdir(), "winnow-app-"));
  const own = openDatabase(":memory:");
  const db = change.db ?? own;
  onTestFinished(() => {
    own.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const clock = { now: 1_795_000_000_000 };
  const logged: Record<string, unknown>[] = [];
  const log = pino({ base: null }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const now = () => clock.now;
  const timings = Timings.parse({});
  const deps: AppDeps = {
    db,
    store: directoryStore(join(directory, "store")),
    logs: attemptLogs(join(directory, "logs")),
    queue: createQueue({ db, timings, now, log }),
    log,
    now,
    timings,
    version: "0.1.0",
    lifecycle: { isDraining: false },
    ...change,
    settings: { ...defaultSettings, ...change.settings },
  };
  const app = createApp(deps);
  const tokens = new Map<TokenScope, string>();
  /** A token of this scope; the same each time. */
  const tokenOf = (scope: TokenScope): string => {
    const token = tokens.get(scope) ?? issueToken(db, { name: `a ${scope}`, scope, now: clock.now }).token;
    tokens.set(scope, token);
    return token;
  };
  /** `line` is method and path below /api/v1, or from the root when it begins with two slashes. */
  const call = async (line: string, { token, body, headers }: Call = {}): Promise<Response> => {
    const [method = "", path = ""] = line.split(" ");
    return await app.request(path.startsWith("//") ? path.slice(1) : `/api/v1${path}`, {
      method,
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
    });
  };
  return { app, deps, db, clock, logged, tokenOf, call };
}

/** The document of an answer, which must fit `schema`. */
export async function bodyOf<S extends z.ZodType>(answer: Response, schema: S): Promise<z.output<S>> {
  return schema.parse(await answer.json());
}

import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { Timings } from "#contract/service/timings.ts";
import { createApp } from "../app.ts";
import { defaultSettings } from "../app-deps.ts";
import { openDatabase } from "../db/open.ts";
import { attemptLogs } from "../logs/attempt-logs.ts";
import { createQueue } from "../queue/job-queue.ts";
import { directoryStore } from "../store/directory.ts";
import { openApiDocument } from "./document.ts";

/** What api/openapi.json should be: the document of an app that serves nobody. */
export function committedText(): string {
  const db = openDatabase(":memory:");
  try {
    const [log, timings] = [pino({ level: "silent" }), Timings.parse({})];
    const directory = join(tmpdir(), `winnow-openapi-${process.pid}`);
    const app = createApp({
      db,
      store: directoryStore(directory),
      logs: attemptLogs(directory),
      queue: createQueue({ db, timings, now: Date.now, log }),
      log,
      now: Date.now,
      timings,
      version: "0.0.0",
      settings: defaultSettings,
      lifecycle: { isDraining: false },
    });
    return `${JSON.stringify(openApiDocument(app), null, 1)}\n`;
  } finally {
    db.close();
  }
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { serveStatic } from "@hono/node-server/serve-static";
import type { Logger } from "pino";
import type { Timings } from "#contract/service/timings.ts";
import { createApp } from "./app.ts";
import { defaultSettings, type Settings } from "./app-deps.ts";
import { type OpenDatabase, openDatabase } from "./db/open.ts";
import { attemptLogs } from "./logs/attempt-logs.ts";
import { createQueue } from "./queue/job-queue.ts";
import { listen } from "./server.ts";
import { directoryStore } from "./store/directory.ts";
import { s3Store } from "./store/s3.ts";
import type { S3Settings } from "./store/s3-settings.ts";
import { setupBucket } from "./store/setup-bucket.ts";
import { checkpoint } from "./upkeep/checkpoint.ts";
import type { Chore } from "./upkeep/every.ts";
import type { RetentionRule } from "./upkeep/retention.ts";
import { startUpkeep } from "./upkeep/start.ts";
import { uploadChores } from "./upkeep/uploads.ts";

export type ServiceOptions = {
  /** Where database, logs of jobs at work and, without `s3`, artifacts lie. The caller holds its lock. */
  statePath: string;
  listen: { host: string; port: number };
  s3: S3Settings | undefined;
  timings: Timings;
  retention: RetentionRule;
  version: string;
  log: Logger;
  /** Milliseconds UTC. */
  now: () => number;
  settings?: Settings;
  /** Files of the web view, if there are any. */
  webPath?: string;
};

export type Service = {
  url: string;
  db: OpenDatabase;
  /** Answers as the server does, without a socket. */
  fetch(request: Request): Promise<Response>;
  /** Not ready any more: balancers send no new requests, streams end. Everything else goes on. */
  drain(): void;
  /** Ends what waits, lets requests at work end within `graceMs`, and closes the database. */
  stop(graceMs: number): Promise<void>;
};

/** Opens the state, begins to listen and to look after things. Throws `config.invalid`, `database.newer`. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { statePath, timings, retention, log, now, s3 } = options;
  const db = openDatabase(join(statePath, "winnow.db"));
  try {
    const store = s3 ? s3Store(s3) : directoryStore(join(statePath, "store"));
    const logs = attemptLogs(join(statePath, "logs"));
    const queue = createQueue({ db, timings, now, log });
    const lifecycle = { isDraining: false };
    const settings = options.settings ?? defaultSettings;
    const app = withWeb(
      createApp({ db, store, logs, queue, log, now, timings, version: options.version, settings, lifecycle }),
      options.webPath,
    );
    const server = await listen(app, options.listen);
    const chores = [...uploadChores({ db, store, logs, now }), ...(s3 ? [await bucketChore(s3, log)] : [])];
    const upkeep = startUpkeep({ db, store, queue, timings, retention, now, log, chores });
    return {
      url: server.url,
      db,
      fetch: async (request) => await app.fetch(request),
      drain: () => {
        lifecycle.isDraining = true;
      },
      stop: async (graceMs) => {
        lifecycle.isDraining = true;
        queue.drain();
        const cut = await server.stop(graceMs);
        if (cut > 0) log.warn({ connections: cut }, "requests did not end in time and were cut off");
        await upkeep.stop();
        checkpoint(db);
        db.close();
      },
    };
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/** The bucket is set up now, or later when the store is down: a server that cannot store yet can still take jobs. */
async function bucketChore(s3: S3Settings, log: Logger): Promise<Chore> {
  let isDone = false;
  const run = async () => {
    if (isDone) return;
    const { message } = await setupBucket(s3);
    isDone = true;
    log.info({ bucket: s3.bucket, endpoint: s3.endpoint }, message);
  };
  await run().catch((thrown) => log.error({ err: thrown }, "the store is not ready; it is tried again every 15 s"));
  return { name: "bucket", everyMs: 15_000, run };
}

type App = ReturnType<typeof createApp>;

function withWeb(app: App, webPath: string | undefined): App {
  if (webPath !== undefined && existsSync(webPath)) app.get("*", serveStatic({ root: webPath }));
  return app;
}

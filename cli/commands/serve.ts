import { hostname } from "node:os";
import { join } from "node:path";
import { count } from "drizzle-orm";
import type { Logger } from "pino";
import { issueEmbeddedToken } from "#api/db/issue-embedded-token.ts";
import { issueToken } from "#api/db/issue-token.ts";
import { tokens } from "#api/db/schema.ts";
import { wasAdminUsed } from "#api/db/was-admin-used.ts";
import { projectRoot, projectVersion } from "#api/root.ts";
import { type Service, startService } from "#api/start-service.ts";
import { lockState } from "#api/state-lock.ts";
import { errors } from "#contract/error.ts";
import { type RunningRunner, startRunner } from "#runner/service/start-runner.ts";
import { openJobLog, toTextLine } from "../log.ts";
import { loadServiceConfig, type ServiceConfig, type ServiceFlags } from "../service-config.ts";
import type { World } from "../world.ts";

/** How the engine of the embedded runner is found; see the global flags. */
export type EngineFlags = { host?: string; tls?: boolean; tlsVerify?: boolean; tlsCertPath?: string };

export type ServeOptions = { flags: ServiceFlags & { statePath: string }; engine: EngineFlags; log?: string };

/** Names the server to its own runner, which reaches it without a socket; it must stay the same, as its token is kept with it. */
const embeddedUrl = "http://embedded";

/** `winnow serve`: the API with a runner of its own, until a signal ends it. Gives 0 when all was ended in order. */
export async function serve(options: ServeOptions, world: World): Promise<number> {
  const config = loadServiceConfig(world.config.env, options.flags);
  const lock = lockState(config.statePath);
  try {
    const { log, close } = openServiceLog(config, options.log, world);
    try {
      return await serveLocked(config, { options, world, log, lock });
    } finally {
      close();
    }
  } finally {
    lock.release();
  }
}

type Around = { options: ServeOptions; world: World; log: Logger; lock: ReturnType<typeof lockState> };

async function serveLocked(config: ServiceConfig, { options, world, log, lock }: Around): Promise<number> {
  const stopAsked = listenForStop(world, log);
  const version = projectVersion();
  const webPath = join(projectRoot(), "web", "dist");
  const service = await startService({ ...config, version, webPath, log, now: world.now });
  try {
    const url = config.publicUrl ?? service.url;
    lock.say({ pid: process.pid, url });
    introduce(service, { url, statePath: config.statePath }, world);
    warnOfOpenDoor(config, log);
    const runner = config.runner
      ? await startOwnRunner(config.runner, service, { config, options, world, log })
      : undefined;
    log.info({ url, version, store: config.s3?.endpoint ?? "directory", runner: runner !== undefined }, "serving");
    const end = await Promise.race([stopAsked.then(() => null), failureOf(runner)]);
    if (end) log.error({ code: end.code, err: end }, "the embedded runner has ended");
    service.drain();
    if (runner) await endRunner(runner, config.drainMs, log);
    await service.stop(config.stopMs);
    log.info("stopped");
    return end ? errors[end.code].exit : 0;
  } catch (thrown) {
    await service.stop(0);
    throw thrown;
  }
}

/** Resolves at the first SIGTERM or SIGINT; the second ends the process at once. */
function listenForStop({ signals, exit }: World, log: Logger): Promise<void> {
  return new Promise((resolve) => {
    let isAsked = false;
    const onSignal = (signal: string) => {
      if (isAsked) return exit(errors["job.canceled"].exit);
      isAsked = true;
      log.info({ signal }, "stopping; once more to stop at once");
      resolve();
    };
    signals.on("SIGTERM", () => onSignal("SIGTERM")).on("SIGINT", () => onSignal("SIGINT"));
  });
}

/**
 * Says where the server is, and at the first start hands out a token: without one nobody could make any. A server that was killed before
 * it printed the token says at its next starts how to make another.
 */
function introduce({ db }: Service, { url, statePath }: { url: string; statePath: string }, world: World): void {
  const { stdout, now } = world;
  stdout.write(`url    ${url}\n`);
  const [known] = db.select({ tokens: count() }).from(tokens).all();
  if (known?.tokens === 0) {
    const { token } = issueToken(db, { name: "first admin", scope: "admin", now: now() });
    stdout.write(`token  ${token}\n       of scope admin, for 90 days; it is not shown again\n`);
  } else if (!wasAdminUsed(db)) {
    stdout.write("token  none of scope admin was ever used. Who has none makes one:\n");
    stdout.write(`       winnow tokens add NAME --scope admin --state-path ${statePath}\n`);
  }
}

function warnOfOpenDoor({ listen, publicUrl }: ServiceConfig, log: Logger): void {
  const isLocal = listen.host === "localhost" || listen.host === "::1" || listen.host.startsWith("127.");
  if (isLocal || publicUrl?.startsWith("https:")) return;
  log.warn(
    { host: listen.host },
    "tokens cross the network unencrypted: put a proxy with TLS in front (docs/running.md)",
  );
}

type RunnerAround = Pick<Around, "options" | "world" | "log"> & { config: ServiceConfig };

async function startOwnRunner(
  { slots, labels }: NonNullable<ServiceConfig["runner"]>,
  { db, fetch }: Service,
  { config, options, world, log }: RunnerAround,
): Promise<RunningRunner> {
  const { tlsCertPath: certPath, ...engine } = options.engine;
  return startRunner({
    url: embeddedUrl,
    fetch,
    token: issueEmbeddedToken(db, world.now()),
    name:
      hostname()
        .replaceAll(/[^A-Za-z0-9._-]/g, "-")
        .slice(0, 63) || "embedded",
    labels,
    slots,
    version: projectVersion(),
    engine: await world.backend.connectEngine({ ...engine, certPath, env: world.config.env }),
    statePath: join(config.statePath, "runner"),
    log: log.child({ part: "runner" }),
  });
}

/** What ends the embedded runner though nobody asked it to; never resolves without one, or while it works. */
function failureOf(runner: RunningRunner | undefined) {
  type Failure = Exclude<Awaited<RunningRunner["ended"]>["error"], null>;
  return new Promise<Failure>((resolve) => {
    void runner?.ended.then(({ error }) => error && resolve(error));
  });
}

/** Lets its jobs end, for some time; what is left then is tried again after the next start. */
async function endRunner(runner: RunningRunner, drainMs: number, log: Logger): Promise<void> {
  runner.drain();
  const late = setTimeout(() => {
    log.warn("jobs at work did not end in time; they are tried again");
    runner.cancel();
  }, drainMs);
  await runner.ended;
  clearTimeout(late);
}

function openServiceLog({ log: { level, format } }: ServiceConfig, file: string | undefined, { stderr }: World) {
  const isText = (format ?? (stderr.isTTY ? "text" : "json")) === "text";
  const write = (line: string) => void stderr.write(isText ? `${toTextLine(line)}\n` : line);
  return openJobLog({ files: file === undefined ? [] : [file], targets: [{ level, write }] });
}

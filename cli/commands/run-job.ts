import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Level } from "pino";
import { stringify } from "yaml";
import { projectVersion } from "#api/root.ts";
import type { Report } from "#contract/report.ts";
import type { RunnerDeps } from "#runner/deps.ts";
import { workByKind } from "#runner/work-on-job.ts";
import { escapeLines } from "../escape.ts";
import { exitCodeOf } from "../exit-code.ts";
import { listenToInterrupts } from "../interrupts.ts";
import { type LocalResult, runLocalJob } from "../local-job.ts";
import { type LogFormat, openJobLog, stageOf, toTextLine } from "../log.ts";
import type { JobOptions } from "../options.ts";
import { requestOf } from "../request-of.ts";
import { openScreen, type Screen } from "../screen.ts";
import { openState } from "../state.ts";
import { describeError, errorDocument, summarise, usedLine } from "../summary.ts";
import type { World } from "../world.ts";

export type GlobalOptions = {
  level: Level;
  logFormat: LogFormat;
  log?: string;
  host?: string;
  tls?: boolean;
  tlsVerify?: boolean;
  tlsCertPath?: string;
  statePath: string;
};

export type Shown = { json: boolean; showClogs: boolean; showBlogs: boolean; removeFileArtifacts: boolean };

/** What `--remove-file-artifacts` leaves: small, and what a later look at the job needs. */
const lasting = ["report.json", "seccomp.json", "apparmor.profile"];

/** `winnow slim`, `profile` and `info`: one job, from the flags to the printed result. Gives the exit code. */
export async function runJob(
  image: string | undefined,
  options: JobOptions,
  { global, shown, world }: { global: GlobalOptions; shown: Shown; world: World },
): Promise<number> {
  const request = requestOf(image, options);
  const state = openState(global.statePath);
  try {
    const engine = await world.backend.connectEngine({
      host: global.host,
      tls: global.tls,
      tlsVerify: global.tlsVerify,
      certPath: global.tlsCertPath,
      env: world.config.env,
    });
    const screen = openScreen(world.stderr, {
      isColor: world.config.isColorWanted,
      showContainerLogs: shown.showClogs,
      now: world.now,
    });
    const isEnterAwaited = options.continueAfter === "enter";
    const interrupts = listenToInterrupts(world, { isEnterAwaited, say: screen.line });
    if (request.scenarios.some(({ finish }) => finish?.kind === "signal")) {
      screen.line(`observing until ${isEnterAwaited ? "Enter is pressed or " : ""}process ${process.pid} gets SIGUSR1`);
    }
    let about: object | undefined;
    try {
      const result = await runLocalJob({
        request,
        state,
        deps: {
          engine,
          progress: screen.progress,
          finishAsked: interrupts.finishAsked,
          runnerId: `cli-${hostname()}-${process.pid}-${randomBytes(3).toString("hex")}`,
          version: projectVersion(),
          now: world.now,
        },
        signal: interrupts.signal,
        openLog: (file) =>
          openJobLog({ files: global.log ? [file, global.log] : [file], targets: consoleLog(global, shown, screen) }),
        keepsArtifact: (name) => !shown.removeFileArtifacts || lasting.includes(name),
        run: async (asked, deps) => {
          await sweepQuietly(world, deps);
          const made = await workByKind(world.backend, asked, deps);
          about = made.about;
          return made.report;
        },
      });
      screen.close();
      print(world, result, {
        shown,
        about,
        options,
        artifactsPath: state.artifactsPath(result.job.id, result.job.attempt),
      });
      return exitCodeOf(result);
    } finally {
      screen.close();
      interrupts.stop();
    }
  } finally {
    state.db.close();
  }
}

/** Leftovers of another job are no reason for this one to fail. */
async function sweepQuietly({ backend }: World, { engine, log }: RunnerDeps): Promise<void> {
  try {
    await backend.sweep(engine);
  } catch (thrown) {
    log.warn({ err: thrown }, "what crashed jobs left on the engine could not be removed");
  }
}

function consoleLog({ level, logFormat }: GlobalOptions, { showBlogs }: Shown, screen: Screen) {
  const format = (line: string) => (logFormat === "json" ? line.trimEnd() : toTextLine(line));
  const targets = [{ level, write: (line: string) => screen.line(format(line)) }];
  if (!showBlogs) return targets;
  // What the rebuild says, down to its details, whatever the level of the rest.
  const blogs = (line: string) => {
    if (stageOf(line) === "rebuild") screen.line(format(line));
  };
  return [...targets, { level: "debug" as const, write: blogs }];
}

type Printed = { shown: Shown; about: object | undefined; options: JobOptions; artifactsPath: string };

function print(
  { stdout, stderr }: World,
  result: LocalResult,
  { shown, about, options, artifactsPath }: Printed,
): void {
  const { error, report, job } = result;
  if (shown.json) {
    stdout.write(`${JSON.stringify(report ?? (error ? errorDocument(error) : about), null, 2)}\n`);
    return;
  }
  if (about) stdout.write(`${escapeLines(stringify(about, { lineWidth: 0 })).trimEnd()}\n`);
  if (report) stdout.write(`${summarise({ report, jobId: job.id, artifactsPath })}\n`);
  if (report && options.command) printCounters(stdout, report);
  if (error) stderr.write(`${describeError(error)}\n${report ? "" : `job:   winnow report ${job.id}\n`}`);
}

/** The line that users of docker-stfd look for, on a line of its own. */
function printCounters(stdout: World["stdout"], { observation }: Report): void {
  if (observation) stdout.write(`${usedLine(observation)}\n`);
}

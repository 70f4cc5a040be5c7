import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import type { Level } from "pino";
import { stringify } from "yaml";
import { projectVersion } from "#api/root.ts";
import { WinnowError } from "#contract/error.ts";
import type { JobRequest } from "#contract/job.ts";
import type { Report } from "#contract/report.ts";
import type { RunnerDeps } from "#runner/deps.ts";
import { workByKind } from "#runner/work-on-job.ts";
import { escapeLines } from "../escape.ts";
import { exerciseFiles } from "../exercise-options.ts";
import { exitCodeOf } from "../exit-code.ts";
import { listenToInterrupts } from "../interrupts.ts";
import { requestOfFile } from "../job-file.ts";
import { type LocalResult, runLocalJob } from "../local-job.ts";
import { type LogFormat, openJobLog, stageOf, toTextLine } from "../log.ts";
import { keepFiles, reportedBy } from "../options/keep.ts";
import { type JobOptions, toJobRequest } from "../options.ts";
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

/** From the job file or from the flags. Throws `request.invalid`. */
function requestOf(image: string | undefined, options: JobOptions): JobRequest {
  const { file, httpProbeCmdFile } = options;
  const texts = new Map(keepFiles(options).map(({ option, file: name }) => [name, readText(option, name)]));
  if (file !== undefined)
    return requestOfFile(readText("--file", file), { ...options, file, image }, reportedBy(options, texts));
  if (image === undefined) {
    throw new WinnowError(
      "request.invalid",
      "missing required argument 'image'",
      "Name an image, or a job file that does (-f).",
    );
  }
  const commands = httpProbeCmdFile === undefined ? [] : [{ option: "--http-probe-cmd-file", file: httpProbeCmdFile }];
  const named = [...commands, ...exerciseFiles(options)];
  const files = new Map([...texts, ...named.map(({ option, file: name }) => [name, readText(option, name)] as const)]);
  return toJobRequest(image, options, files);
}

/** A log or a capture that is longer is not for one job, bytes. */
const maxFileBytes = 256 << 20;

function readText(option: string, file: string): string {
  try {
    if (statSync(file).size > maxFileBytes) throw new Error(`${file} is longer than ${maxFileBytes >> 20} MiB`);
    return readFileSync(file, "utf8");
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new WinnowError("request.invalid", `${option}: ${why}.`, "Name a file that you may read.", thrown);
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

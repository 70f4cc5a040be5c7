import { Command, CommanderError, Option } from "commander";
import type { Level } from "pino";
import { projectVersion } from "#api/root.ts";
import { asWinnowError, errors, WinnowError } from "#contract/error.ts";
import type { JobKind } from "#contract/job.ts";
import { reportSchemaVersion } from "#contract/report.ts";
import { addressOf, apiClient, type ServerFlags } from "./client.ts";
import { showJobs } from "./commands/jobs.ts";
import { showReport } from "./commands/report.ts";
import { type GlobalOptions, runJob } from "./commands/run-job.ts";
import { addRunnerCommand } from "./commands/runner.ts";
import { showServerReport } from "./commands/server-job.ts";
import { showServerJobs } from "./commands/server-lists.ts";
import { showServerWhy, showWhy } from "./commands/why.ts";
import type { Config } from "./config.ts";
import type { LogFormat } from "./log.ts";
import { addImageOptions } from "./options/image.ts";
import { addRunOptions, givenFlags } from "./options/run.ts";
import { JobOptions } from "./options.ts";
import { addServerCommands } from "./server-program.ts";
import { addServiceCommands } from "./service-program.ts";
import { describeError, errorDocument } from "./summary.ts";
import type { World } from "./world.ts";

/**
 * The command line: `args` without node and script. Prints, and gives the exit code: 0 verified or done, 1 failed, 2 usage,
 * 3 not smaller, 4 verification failed, 5 engine not reachable, 130 canceled. Never throws.
 */
export async function runCli(args: string[], world: World): Promise<number> {
  // Split here and not by commander, to which everything after `--` would be more images.
  const dashes = args.indexOf("--");
  const own = dashes < 0 ? args : args.slice(0, dashes);
  const command = dashes < 0 ? undefined : args.slice(dashes + 1);
  const isJson = own.includes("--json");
  const complaints: string[] = [];
  const result = { exitCode: 0 };
  const program = buildProgram({ world, command, result });
  for (const one of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    one.exitOverride().configureOutput({
      writeOut: (text) => void world.stdout.write(text),
      writeErr: (text) => void complaints.push(text),
    });
  }
  try {
    await program.parseAsync(own, { from: "user" });
    return result.exitCode;
  } catch (thrown) {
    const isUsage = thrown instanceof CommanderError;
    if (isUsage && thrown.exitCode === 0) return 0; // help and version
    const error = isUsage ? usageError(complaints, thrown) : asWinnowError(thrown);
    if (isJson) world.stdout.write(`${JSON.stringify(errorDocument(error), null, 2)}\n`);
    else world.stderr.write(`${describeError(error)}\n`);
    return errors[error.code].exit;
  }
}

function usageError(complaints: string[], thrown: CommanderError): WinnowError {
  const message =
    complaints
      .join("")
      .trim()
      .replace(/^error: /, "") || thrown.message;
  const hint =
    thrown.code === "commander.excessArguments" ? "A command for the image stands after `--`." : "See `winnow --help`.";
  // Without a command commander prints its help as the complaint.
  return new WinnowError(
    "request.invalid",
    thrown.code === "commander.help" ? `no command was given\n\n${message}` : message,
    hint,
  );
}

const serverHelp = "of a server and not of this host (URL or WINNOW_SERVER)";
type ReportFlags = ServerFlags & { files?: "kept" | "removed"; json?: boolean };

type Building = { world: World; command: string[] | undefined; result: { exitCode: number } };

function buildProgram(building: Building): Command {
  const { world, result } = building;
  const program = new Command("winnow")
    .description("Makes container images small and safe, and proves that they still work.")
    .version(projectVersion())
    .showHelpAfterError(false)
    .addHelpText("after", exitCodes);
  addGlobalOptions(program, world.config);

  addJobCommand(program, "slim", building).alias("build");
  addJobCommand(program, "profile", building);
  addJobCommand(program, "info", building);

  program
    .command("jobs")
    .description("list jobs, newest first")
    .option("--limit <n>", "how many", toCount, 50)
    .option("--server [url]", serverHelp)
    .option("--token <token>", "a token for it (WINNOW_TOKEN)")
    .option("--json", "print one JSON document")
    .action(async ({ limit, json = false, ...server }: ServerFlags & { limit: number; json?: boolean }) => {
      const { statePath } = program.opts<{ statePath: string }>();
      if (server.server === undefined) result.exitCode = showJobs(world, { statePath, limit, json });
      else {
        const client = apiClient(addressOf(server, world.config.env));
        result.exitCode = await showServerJobs({ client, world, limit, json });
      }
    });
  program
    .command("report")
    .description("show the report of a job")
    .argument("<job>", "its id, the beginning or end of it, or `latest`")
    .addOption(
      new Option("--files <which>", "list the files that were kept or removed, with reasons").choices([
        "kept",
        "removed",
      ]),
    )
    .option("--server [url]", serverHelp)
    .option("--token <token>", "a token for it (WINNOW_TOKEN)")
    .option("--json", "print the report document; with --files the lines as stored")
    .action(async (job: string, { files, json = false, ...server }: ReportFlags) => {
      const { statePath } = program.opts<{ statePath: string }>();
      if (server.server === undefined) result.exitCode = await showReport(job, world, { statePath, json, files });
      else {
        const client = apiClient(addressOf(server, world.config.env));
        result.exitCode = await showServerReport(job, { client, world, json, files });
      }
    });
  program
    .command("why")
    .description("tell why an entry of the image was kept, or why not")
    .argument("<job>", "its id, the beginning or end of it, or `latest`")
    .argument("<path>", "absolute path in the image; links on its way are followed")
    .option("--server [url]", serverHelp)
    .option("--token <token>", "a token for it (WINNOW_TOKEN)")
    .option("--json", "print one JSON document")
    .action(async (job: string, path: string, { json = false, ...server }: ServerFlags & { json?: boolean }) => {
      const { statePath } = program.opts<{ statePath: string }>();
      const asked = { path, json, world };
      result.exitCode =
        server.server === undefined
          ? await showWhy(job, { ...asked, statePath })
          : await showServerWhy(job, { ...asked, client: apiClient(addressOf(server, world.config.env)) });
    });
  const service = {
    world,
    command: building.command,
    global: () => toRunnerGlobal(program),
    done: (exitCode: number) => {
      result.exitCode = exitCode;
    },
  };
  addServiceCommands(program, service);
  addServerCommands(program, service);
  addRunnerCommand(program, service);
  program
    .command("version")
    .description("print the version")
    .option("--json", "print one JSON document")
    .action(({ json }: { json?: boolean }) => {
      const facts = {
        winnow: projectVersion(),
        reportSchema: reportSchemaVersion,
        node: process.version,
        platform: `${process.platform}/${process.arch}`,
      };
      const lines = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
      world.stdout.write(`${json ? JSON.stringify(facts, null, 2) : lines.join("\n")}\n`);
    });
  return program;
}

function addGlobalOptions(program: Command, { statePath }: Config): void {
  program
    .option("--debug", "log details to the console (--log-level debug)")
    .option("--verbose", "log steps to the console (--log-level info)")
    .addOption(
      new Option("--log-level <level>", "what the console shows of the log").choices(logLevels).default("warn"),
    )
    .addOption(
      new Option("--log-format <format>", "how the console shows it").choices(["text", "json"]).default("text"),
    )
    .option("--log <file>", "write the log to this file too, as JSON lines")
    .option("--host <address>", "the engine: unix://PATH, tcp://HOST:PORT (default: DOCKER_HOST, the Docker context)")
    .option("--tls", "speak TLS with the engine")
    .option("--no-tls", "do not")
    .option("--tls-verify", "verify the engine's certificate (default: DOCKER_TLS_VERIFY)")
    .option("--no-tls-verify", "do not")
    .option("--tls-cert-path <directory>", "ca.pem, cert.pem and key.pem (default: DOCKER_CERT_PATH)")
    .option("--state-path <directory>", "where jobs, reports and artifacts are kept", statePath);
}

const logLevels = ["debug", "info", "warn", "error", "fatal", "panic"];

type GlobalFlags = {
  debug?: boolean;
  verbose?: boolean;
  logLevel: string;
  logFormat: LogFormat;
  log?: string;
  host?: string;
  tls?: boolean;
  tlsVerify?: boolean;
  tlsCertPath?: string;
  statePath: string;
};

function toGlobal({ debug, verbose, logLevel, ...rest }: GlobalFlags): GlobalOptions {
  // `panic` is docker-slim's name for the same; the choices above are all that can be here.
  const level = debug ? "debug" : verbose ? "info" : logLevel === "panic" ? "fatal" : (logLevel as Level);
  return { ...rest, level };
}

/** What a service logs is not for a terminal: it has defaults of its own, and only what stands on the command line wins over them. */
function toRunnerGlobal(program: Command) {
  const { debug, verbose, logLevel, logFormat, ...rest } = program.opts<GlobalFlags>();
  const given = (name: string) => program.getOptionValueSource(name) === "cli";
  const level = debug ? "debug" : verbose ? "info" : given("logLevel") ? logLevel : undefined;
  return { ...rest, logLevel: level, logFormat: given("logFormat") ? logFormat : undefined };
}

const purpose: Record<JobKind, string> = {
  slim: "run an image, keep what it used, rebuild it and verify the result",
  profile: "run an image and write its report and security profiles, without building",
  info: "show what an image is made of, without running it",
};

type JobFlags = { json?: boolean; showClogs?: boolean; showBlogs?: boolean; removeFileArtifacts?: boolean };

function addJobCommand(program: Command, kind: JobKind, { world, command, result }: Building): Command {
  const about = "name, name:tag, digest or id";
  // A job file may name the image, and only the jobs that run it have one.
  const sub = program
    .command(kind)
    .description(purpose[kind])
    .argument(kind === "info" ? "<image>" : "[image]", about);
  if (kind !== "info") addRunOptions(sub);
  if (kind === "slim") addImageOptions(sub);
  return sub
    .option("--pull", "pull the image when the engine does not have it")
    .option("--remove-file-artifacts", "when done, keep only the report and the security profiles")
    .option("--json", "print one JSON document: the result or an error")
    .action(async (image: string | undefined, flags: JobFlags) => {
      const global = toGlobal(program.opts<GlobalFlags>());
      const { json = false, showClogs = false, showBlogs = false, removeFileArtifacts = false } = flags;
      const shown = { json, showClogs, showBlogs, removeFileArtifacts };
      const options = JobOptions.parse({
        ...flags,
        kind,
        command: kind === "info" ? undefined : command,
        given: givenFlags(sub),
      });
      result.exitCode = await runJob(image, options, { global, shown, world });
    });
}

function toCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new WinnowError(
    "request.invalid",
    `--limit ${JSON.stringify(text)}: write a number from 1 to 999999.`,
    "See `winnow jobs --help`.",
  );
}

const exitCodes = `
Exit codes:
  0 verified, repaired or done   1 failed              2 wrong usage
  3 not smaller                  4 not proven to work  5 engine or server not reachable
  124 waited too long            130 canceled`;

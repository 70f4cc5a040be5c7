import { type Command, Option } from "commander";
import { projectVersion } from "#api/root.ts";
import { errors } from "#contract/error.ts";
import { type RunnerEnd, type RunningRunner, startRunner } from "#runner/service/start-runner.ts";
import { openJobLog, toTextLine } from "../log.ts";
import { loadRunnerConfig, type RunnerConfig, type RunnerFlags } from "../runner-config.ts";
import { describeError } from "../summary.ts";
import type { World } from "../world.ts";

/** Which engine; what is left out comes from the environment. */
export type EngineFlags = { host?: string; tls?: boolean; tlsVerify?: boolean; tlsCertPath?: string };

const exitCodes = `
Exit codes:
  0 drained, with every job told     1 a job was left behind, or the server is too new or too old
  2 wrong settings or token          5 engine not reachable at the start`;

/** Adds `winnow runner`. `global` gives the flags that stand before the command. */
export function addRunnerCommand(
  program: Command,
  {
    world,
    global,
    done,
  }: {
    world: World;
    global(): EngineFlags & { statePath: string; logLevel?: string; logFormat?: string };
    done(exitCode: number): void;
  },
): Command {
  const repeated = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];
  return program
    .command("runner")
    .description("work on the jobs of a server, on this host's engine")
    .option("--server <url>", "address of the server (WINNOW_SERVER)")
    .option("--token <token>", "registration token, once (WINNOW_TOKEN, WINNOW_TOKEN_FILE)")
    .option("--name <name>", "how people know the runner; default: the host's name (WINNOW_NAME)")
    .addOption(
      new Option("--labels <NAME=value,...>", "what jobs may ask for; repeatable (WINNOW_LABELS)").argParser(repeated),
    )
    .option("--slots <n>", "jobs at a time; default 1 (WINNOW_SLOTS)")
    .option("--disk-floor <GiB>", "take no jobs when less is free; default 10 (WINNOW_DISK_FLOOR)")
    .addHelpText("after", exitCodes)
    .action(async (flags: RunnerFlags) => {
      const { host, tls, tlsVerify, tlsCertPath, ...rest } = global();
      const config = loadRunnerConfig(world.config.env, { ...flags, ...rest });
      done(await runRunner(config, { host, tls, tlsVerify, tlsCertPath }, world));
    });
}

/** Runs until drained or refused. The first SIGTERM or SIGINT drains, the second ends the jobs, the third the process. */
async function runRunner(config: RunnerConfig, target: EngineFlags, world: World): Promise<number> {
  const { host, tls, tlsVerify, tlsCertPath: certPath } = target;
  const engine = await world.backend.connectEngine({ host, tls, tlsVerify, certPath, env: world.config.env });
  const format = (line: string): string => (config.log.format === "json" ? line : `${toTextLine(line)}\n`);
  const write = (line: string): void => void world.stderr.write(format(line));
  const { log, close } = openJobLog({ files: [], targets: [{ level: config.log.level, write }] });
  const { server: url, token, name, labels, slots, statePath, diskFloorBytes } = config;
  const about = { url, token, name, labels, slots, statePath, diskFloorBytes };
  const runner = startRunner({ ...about, engine, version: projectVersion(), log });
  const stopListening = listenForEnd(runner, world);
  try {
    const end = await runner.ended;
    if (end.error) world.stderr.write(`${describeError(end.error)}\n`);
    return exitCodeOf(end);
  } finally {
    stopListening();
    close();
  }
}

function listenForEnd(runner: RunningRunner, { signals, exit }: Pick<World, "signals" | "exit">): () => void {
  const steps = [runner.drain, runner.cancel, () => exit(1)];
  const onSignal = (): void => (steps.length > 1 ? steps.shift() : steps[0])?.();
  signals.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return () => void signals.off("SIGINT", onSignal).off("SIGTERM", onSignal);
}

/** A job that was left behind is a fault even of a runner that was asked to end: somebody waits for it. */
export function exitCodeOf({ left, error }: RunnerEnd): number {
  if (error) return errors[error.code].exit;
  return left > 0 ? 1 : 0;
}

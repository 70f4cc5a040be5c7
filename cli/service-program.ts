import type { Command } from "commander";
import { type ServeOptions, serve } from "./commands/serve.ts";
import type { ServiceFlags } from "./service-config.ts";
import type { World } from "./world.ts";

export type Building = {
  world: World;
  /** The flags that stand before or behind every command; those of the log only when they were given. */
  global(): ServeOptions["engine"] & Pick<ServiceFlags, "logLevel" | "logFormat"> & { log?: string; statePath: string };
  done(exitCode: number): void;
};

/** Adds the commands that start a service, look after one, and speak with one. */
export function addServiceCommands(program: Command, building: Building): void {
  addServe(program, building);
}

const repeated = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

function addServe(program: Command, { world, global, done }: Building): void {
  program
    .command("serve")
    .description("take jobs over HTTP, keep their results, and work on them (docs/running.md)")
    .option("--listen <host:port>", "where (default: 127.0.0.1:7480; WINNOW_LISTEN)")
    .option("--public-url <url>", "where others find it (WINNOW_PUBLIC_URL)")
    .option("--no-runner", "without a runner of its own (WINNOW_RUNNER=false)")
    .option("--slots <n>", "jobs that its own runner works on at a time (default: 1; WINNOW_SLOTS)")
    .option("--labels <name=value>", "labels of its own runner; repeatable (WINNOW_LABELS)", repeated)
    .option("--retention-days <n>", "remove artifacts after so many days, or off (default: 30; WINNOW_RETENTION_DAYS)")
    .option("--retention-jobs <n>", "keep those of so many jobs of a repository (default: off; WINNOW_RETENTION_JOBS)")
    .action(async (flags: ServiceFlags) => {
      const { log, statePath, logLevel, logFormat, ...engine } = global();
      // Without a flag commander says that there is to be a runner, which is for the environment to say.
      const runner = flags.runner === false ? false : undefined;
      done(await serve({ flags: { ...flags, runner, statePath, logLevel, logFormat }, engine, log }, world));
    });
}

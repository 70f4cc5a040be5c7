import type { Command } from "commander";
import { backup, restore } from "./commands/backup.ts";
import { type ServeOptions, serve } from "./commands/serve.ts";
import { checkStorage } from "./commands/storage.ts";
import type { ServiceFlags } from "./service-config.ts";
import type { World } from "./world.ts";

export type Building = {
  world: World;
  /** What stands after `--`. */
  command: string[] | undefined;
  /** The flags that stand before or behind every command; those of the log only when they were given. */
  global(): ServeOptions["engine"] & Pick<ServiceFlags, "logLevel" | "logFormat"> & { log?: string; statePath: string };
  done(exitCode: number): void;
};

/** Adds the commands that start a service and look after one on this host. */
export function addServiceCommands(program: Command, building: Building): void {
  addServe(program, building);
  addBackup(program, building);
  addStorage(program, building);
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

type Json = { json?: boolean };

function addBackup(program: Command, { world, global, done }: Building): void {
  const around = ({ json }: Json) => ({ statePath: global().statePath, world, json: json === true });
  program
    .command("backup")
    .description("copy the database of a server, also while it runs; artifacts are not in it")
    .argument("<file>", "where to; what had that name is replaced")
    .option("--gzip", "pack it; so is what ends in .gz")
    .option("--json", "print one JSON document")
    .action(async (file: string, flags: Json & { gzip?: boolean }) => {
      done(await backup(file, { ...around(flags), gzip: flags.gzip === true || file.endsWith(".gz") }));
    });
  program
    .command("restore")
    .description("put a backup in the place of the database, which is kept beside it; not while a server runs")
    .argument("<file>", "what `winnow backup` made")
    .option("--verify", "only read it from end to end, and tell what is in it")
    .option("--json", "print one JSON document")
    .action(async (file: string, flags: Json & { verify?: boolean }) => {
      done(await restore(file, { ...around(flags), verify: flags.verify === true }));
    });
}

function addStorage(program: Command, { world, global, done }: Building): void {
  program
    .command("storage")
    .description("where a server keeps artifacts")
    .command("check")
    .description("try all that a server needs of it, with the WINNOW_S3_ variables of the server")
    .option("--json", "print one JSON document")
    .action(async ({ json }: Json) => {
      done(await checkStorage({ statePath: global().statePath, world, json: json === true }));
    });
}

import { type Command, Option } from "commander";
import { JobKind } from "#contract/job.ts";
import { TokenScope } from "#contract/service/token.ts";
import { addressOf, apiClient, type Client, isServerNamed, type ServerFlags } from "./client.ts";
import { act, retry, submit, waitFor } from "./commands/server-job.ts";
import { drainRunner, removeRunner, showRunners } from "./commands/server-lists.ts";
import { showLog } from "./commands/server-log.ts";
import { addToken, showTokens, type TokenPlace, voidToken } from "./commands/tokens.ts";
import { addImageOptions } from "./options/image.ts";
import { addRunOptions, givenFlags } from "./options/run.ts";
import { durationOf, needsOf, numberOf } from "./options/server.ts";
import { JobOptions } from "./options.ts";
import { requestOf } from "./request-of.ts";
import type { Building } from "./service-program.ts";

/** Adds the commands that speak with a server. */
export function addServerCommands(program: Command, building: Building): void {
  addSubmit(program, building);
  addJobActions(program, building);
  addRunners(program, building);
  addTokens(program, building);
}

type Flags = ServerFlags & { json?: boolean };

function withServer(sub: Command): Command {
  return sub
    .option("--server <url>", "the server (WINNOW_SERVER)")
    .option("--token <token>", "a token for it; WINNOW_TOKEN or WINNOW_TOKEN_FILE keep it out of the list of processes")
    .option("--json", "print one JSON document");
}

const around = (flags: Flags, { world }: Building): { client: Client; world: Building["world"]; json: boolean } => ({
  client: apiClient(addressOf(flags, world.config.env)),
  world,
  json: flags.json === true,
});

type SubmitFlags = Flags & {
  kind: JobKind;
  needs?: string[];
  priority?: string;
  force?: boolean;
  maxAttempts?: string;
  idempotencyKey?: string;
  wait?: boolean;
  timeout?: string;
};

const repeated = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

function addSubmit(program: Command, building: Building): void {
  const sub = program
    .command("submit")
    .description("queue a job on a server; the options of `winnow slim` say what is to be done")
    .argument("[image]", "name, name:tag, digest or id, as the runners' engines know it");
  addRunOptions(sub);
  sub.usage("[options] <image> [-- COMMAND ARG...]\n       winnow submit [options] -f JOBFILE [image]");
  addImageOptions(sub);
  sub.option("--pull", "let the runner pull the image when its engine does not have it");
  const ofServer = [
    new Option("--kind <kind>", "what to do").choices(JobKind.options).default("slim"),
    new Option("--needs <name=value>", "label that the runner must have; repeatable").argParser(repeated),
    new Option("--priority <n>", "-100 to 100, higher ones first (default: 0)"),
    new Option("--force", "work even if the same was verified before"),
    new Option("--max-attempts <n>", "how often it may be tried, 1 to 10 (default: 3)"),
    new Option("--idempotency-key <key>", "the same key gives the same job again, for a day"),
    new Option("--wait", "wait for its end and show the result; exit codes as of `winnow slim`"),
    new Option("--timeout <seconds>", "with --wait: for so long; then exit with 124"),
  ];
  for (const option of ofServer) sub.addOption(option);
  withServer(sub);
  const own = [...ofServer.map(({ long }) => long), "--server", "--token", "--json"];
  sub.action(async (image: string | undefined, flags: SubmitFlags) => {
    const options = JobOptions.parse({
      ...flags,
      command: flags.kind === "info" ? undefined : building.command,
      given: givenFlags(sub).filter((flag) => !own.includes(flag)),
    });
    const submission = {
      request: requestOf(image, options),
      needs: needsOf(flags.needs ?? []),
      priority: numberOf("--priority", flags.priority),
      force: flags.force,
      maxAttempts: numberOf("--max-attempts", flags.maxAttempts),
    };
    const json = flags.json === true;
    const wait = flags.wait ? { json, timeoutMs: durationOf(flags.timeout) } : undefined;
    building.done(await submit(submission, { ...around(flags, building), wait, key: flags.idempotencyKey }));
  });
}

const aboutJob = "its id, the beginning or end of it, or `latest`";

function addJobActions(program: Command, building: Building): void {
  const command = (name: string, description: string) =>
    withServer(program.command(name).description(description).argument("<job>", aboutJob));
  command("wait", "wait for the end of a server's job and show the result; exit codes as of `winnow slim`")
    .option("--timeout <seconds>", "for so long; then exit with 124")
    .action(async (job: string, flags: Flags & { timeout?: string }) => {
      building.done(await waitFor(job, { ...around(flags, building), timeoutMs: durationOf(flags.timeout) }));
    });
  command("logs", "show the log of a server's job")
    .option("-f, --follow", "go on until the job has ended")
    .action(async (job: string, flags: Flags & { follow?: boolean }) => {
      building.done(await showLog(job, { ...around(flags, building), isFollowed: flags.follow === true }));
    });
  command("cancel", "cancel a server's job").action(async (job: string, flags: Flags) => {
    building.done(await act("cancel", job, around(flags, building)));
  });
  command("finish", "end the observation of a server's job that waits for a signal").action(
    async (job: string, flags: Flags) => {
      building.done(await act("finish-observation", job, around(flags, building)));
    },
  );
  command("retry", "try a server's job again").action(async (job: string, flags: Flags) => {
    building.done(await retry(job, around(flags, building)));
  });
}

function addRunners(program: Command, building: Building): void {
  const runners = program.command("runners").description("the runners of a server");
  withServer(runners.command("list").description("list them")).action(async (flags: Flags) => {
    building.done(await showRunners(around(flags, building)));
  });
  withServer(runners.command("drain").description("let one finish what it has, and exit"))
    .argument("<runner>", "its id or name")
    .action(async (runner: string, flags: Flags) => {
      building.done(await drainRunner(runner, around(flags, building)));
    });
  withServer(runners.command("remove").description("take its token away"))
    .argument("<runner>", "its id or name")
    .option("--force", "also while it has jobs: those are tried elsewhere")
    .action(async (runner: string, flags: Flags & { force?: boolean }) => {
      building.done(await removeRunner(runner, { ...around(flags, building), isForced: flags.force === true }));
    });
}

function addTokens(program: Command, building: Building): void {
  const tokens = program
    .command("tokens")
    .alias("token")
    .description("tokens of a server: of --server, else of the one whose state is in --state-path");
  const { world } = building;
  const place = (flags: Flags): { place: TokenPlace; world: typeof world; json: boolean } => ({
    place: isServerNamed(flags, world.config.env)
      ? { client: apiClient(addressOf(flags, world.config.env)) }
      : { statePath: building.global().statePath },
    world,
    json: flags.json === true,
  });
  withServer(tokens.command("add").alias("create").description("make one and print it"))
    .argument("[name]", "what it is for", "unnamed")
    .addOption(new Option("--scope <scope>", "what it may do").choices(TokenScope.options).default("submit"))
    .option("--days <n>", "how long it is good, at most 365 (default: 90, for runner 1)")
    .action(async (name: string, flags: Flags & { scope: TokenScope; days?: string }) => {
      const days = numberOf("--days", flags.days);
      const expiresInMs = days === undefined ? undefined : days * 86_400_000;
      building.done(await addToken({ name, scope: flags.scope, expiresInMs }, place(flags)));
    });
  withServer(tokens.command("list").description("list them, without the tokens themselves")).action(
    async (flags: Flags) => {
      building.done(await showTokens(place(flags)));
    },
  );
  withServer(tokens.command("revoke").description("make one void"))
    .argument("<token>", "its id, tok_…")
    .action(async (id: string, flags: Flags) => {
      building.done(await voidToken(id, place(flags)));
    });
}

import { z } from "zod";
import { WinnowError } from "#contract/error.ts";
import { type ExecProbe, type Finish, JobKind, JobRequest, type Probe } from "#contract/job.ts";
import { parseProbeCommand, parseProbeFile } from "#runner/probes/parse-probe.ts";
import { capturedProbes, discoveryOf, exerciseFlags } from "./exercise-options.ts";
import { imageFlags, imageOptionOf, outputOf } from "./options/image.ts";
import { keepFlags, keepOf, keepOptionOf } from "./options/keep.ts";
import { toArgv, toExecArgv } from "./shell-words.ts";

const Repeated = z.array(z.string()).default([]);

/** The flags of `slim`, `profile` and `info`, as commander hands them over; the latter two know fewer. */
export const JobOptions = z.object({
  kind: JobKind,
  /** What stands after `--`. */
  command: z.array(z.string()).optional(),
  httpProbe: z.boolean().default(true),
  httpProbeCmd: Repeated,
  httpProbeCmdFile: z.string().optional(),
  ...exerciseFlags,
  exec: Repeated,
  continueAfter: z.string().optional(),
  tag: Repeated,
  entrypoint: z.string().optional(),
  cmd: Repeated,
  user: z.string().optional(),
  mount: Repeated,
  ...keepFlags,
  ...imageFlags,
  env: Repeated,
  workdir: z.string().optional(),
  network: z.string().optional(),
  expose: Repeated,
  link: Repeated,
  hostname: z.string().optional(),
  etcHostsMap: Repeated,
  containerDns: Repeated,
  containerDnsSearch: Repeated,
  pull: z.boolean().default(false),
  lifecycle: Repeated,
  repeatObservation: z.string().optional(),
  /** The job file. */
  file: z.string().optional(),
  /** The flags that were really given, `--keep`: the others have their defaults. */
  given: Repeated,
});
export type JobOptions = z.infer<typeof JobOptions>;

/** How long `--continue-after timeout` observes: what docker-slim's users know by that name. */
const timeoutMs = 60_000;

/**
 * The request that the flags describe. `files` holds the text of every file that a flag names, by the name given.
 * Throws one `request.invalid` that lists all faults, each under the name of its option.
 */
export function toJobRequest(image: string, options: JobOptions, files: ReadonlyMap<string, string>): JobRequest {
  const faults: string[] = [];
  const read = <T>(option: string, work: () => T): T | undefined => {
    try {
      return work();
    } catch (thrown) {
      if (!(thrown instanceof WinnowError)) throw thrown;
      faults.push(`${option}: ${thrown.message} ${thrown.hint}`.trim());
      return undefined;
    }
  };

  const finish = read("--continue-after", () => toFinish(options));
  const candidate = {
    kind: options.kind,
    image,
    pull: options.pull ? "if-absent" : "never",
    scenarios: scenariosOf(options, finish, files, read),
    run: {
      network: options.network,
      hostname: options.hostname,
      etcHosts: options.etcHostsMap,
      dns: options.containerDns,
      dnsSearch: options.containerDnsSearch,
      links: options.link,
      expose: options.expose,
      mounts: options.mount,
    },
    observe: { repeat: options.repeatObservation === undefined ? undefined : Number(options.repeatObservation) },
    limits: finish?.kind === "timeout" ? { scenarioMs: timeoutMs } : {},
    keep: keepOf(options, files, read),
    output: outputOf(options, read),
    tags: options.tag,
  };
  const parsed = JobRequest.safeParse(candidate);
  faults.push(...usageFaults(options), ...(parsed.error?.issues ?? []).map((issue) => describeIssue(issue, candidate)));
  if (parsed.success && faults.length === 0) return parsed.data;
  // What holds for every scenario is wrong in every one of them.
  throw new WinnowError("request.invalid", [...new Set(faults)].join("\n"), `See \`winnow ${options.kind} --help\`.`);
}

function toFinish({ continueAfter, command, exec }: JobOptions): Finish | undefined {
  switch (continueAfter) {
    case undefined:
      return command ? { kind: "command-exit" } : undefined;
    case "probe":
      return { kind: "probe-done" };
    case "exec":
      if (exec.length > 0) return { kind: "probe-done" };
      throw new WinnowError("request.invalid", "there is no command to wait for.", "Give one with --exec.");
    case "enter":
    case "signal":
      return { kind: "signal" };
    case "timeout":
      return { kind: "timeout" };
    case "quiet":
      return { kind: "quiet", seconds: 5 };
    default:
      if (/^\d+(\.\d+)?$/.test(continueAfter) && Number(continueAfter) > 0)
        return { kind: "seconds", seconds: Number(continueAfter) };
      throw new WinnowError(
        "request.invalid",
        `${JSON.stringify(continueAfter)} is no end of an observation.`,
        "Write probe, exec, enter, signal, timeout, quiet or a number of seconds.",
      );
  }
}

/** One scenario, or one for each command when there are several of them; all else is the same for all. */
function scenariosOf(
  options: JobOptions,
  finish: Finish | undefined,
  files: ReadonlyMap<string, string>,
  read: Reader,
): unknown[] {
  const isCommand = options.command !== undefined;
  const scenario = {
    entrypoint: read("--entrypoint", () => options.entrypoint && toArgv(options.entrypoint)) || undefined,
    env: options.env,
    user: options.user,
    workdir: options.workdir,
    defaultProbe: options.httpProbe && !isCommand,
    probes: probesOf(options, files, read),
    ...discoveryOf(options, read),
    finish,
    expectExit: isCommand ? 0 : undefined,
    lifecycle: options.lifecycle.flatMap((words) => words.split(",")),
  };
  const cmds = options.cmd.map((text) => read("--cmd", () => toArgv(text)));
  if (cmds.length < 2) return [{ ...scenario, cmd: options.command ?? cmds[0] }];
  return cmds.map((cmd, index) => ({ ...scenario, name: `cmd-${index + 1}`, cmd }));
}

type Reader = <T>(option: string, work: () => T) => T | undefined;

function probesOf(options: JobOptions, files: ReadonlyMap<string, string>, read: Reader): Probe[] {
  const name = options.httpProbeCmdFile;
  const fromFile =
    name === undefined ? [] : read("--http-probe-cmd-file", () => parseProbeFile(files.get(name) ?? "", name));
  const http = options.httpProbeCmd.map((text) => read("--http-probe-cmd", () => parseProbeCommand(text)));
  const exec = options.exec.map((text) => read("--exec", () => toExecProbe(text)));
  const captured = capturedProbes(options, files, read);
  return [...http, ...(fromFile ?? []), ...captured, ...exec].filter((probe) => probe !== undefined);
}

function toExecProbe(text: string): ExecProbe {
  const argv = toExecArgv(text);
  if (argv.length > 0) return { kind: "exec", argv, expectExit: 0 };
  throw new WinnowError("request.invalid", "the command is empty.", "Write a command, e.g. --exec 'node --version'.");
}

function usageFaults({ command, cmd }: JobOptions): string[] {
  const faults: string[] = [];
  if (command && cmd.length > 0) faults.push("--cmd: give the command after -- or with --cmd, not both.");
  if (command?.length === 0) faults.push("--: there is no command after it.");
  return faults;
}

/** Which option a part of the request comes from. */
const optionOf: [path: string, option: string][] = [
  ["image", "IMAGE"],
  ["tags", "--tag"],
  ["scenarios.entrypoint", "--entrypoint"],
  ["scenarios.cmd", "--cmd"],
  ["scenarios.env", "--env"],
  ["scenarios.user", "--user"],
  ["scenarios.workdir", "--workdir"],
  ["scenarios.probes", "--http-probe-cmd"],
  ["scenarios.crawl.maxDepth", "--http-crawl-max-depth"],
  ["scenarios.crawl.maxPages", "--http-crawl-max-page-count"],
  ["scenarios.apiSpecs", "--http-probe-apispec"],
  ["scenarios.finish", "--continue-after"],
  ["scenarios.lifecycle", "--lifecycle"],
  ["observe.repeat", "--repeat-observation"],
  ["run.network", "--network"],
  ["run.hostname", "--hostname"],
  ["run.etcHosts", "--etc-hosts-map"],
  ["run.dnsSearch", "--container-dns-search"],
  ["run.dns", "--container-dns"],
  ["run.links", "--link"],
  ["run.expose", "--expose"],
  ["run.mounts", "--mount"],
  ...keepOptionOf,
  ...imageOptionOf,
];

function describeIssue(issue: z.core.$ZodIssue, candidate: unknown): string {
  const path = issue.path.join(".").replace(/^scenarios\.\d+/, "scenarios");
  const option = optionOf.find(([start]) => path === start || path.startsWith(`${start}.`))?.[1] ?? path;
  const value = issue.path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
    candidate,
  ); // a path that zod walked
  const given = typeof value === "string" ? ` ${JSON.stringify(value)}` : "";
  return `${option}${given}: ${issue.message}`;
}

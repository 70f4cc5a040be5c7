import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Level } from "pino";
import { z } from "zod";
import { WinnowError } from "#contract/error.ts";
import { Labels, Registration, RunnerFacts } from "#contract/service/runner-protocol.ts";
import type { Environment } from "./config.ts";
import type { LogFormat } from "./log.ts";

/** All that `winnow runner` can be told. docs/running.md says what each does. */
export type RunnerConfig = {
  /** Without a slash at its end. */
  server: string;
  /** Registers the runner; one that is registered needs none. */
  token: string | undefined;
  name: string;
  labels: Labels;
  slots: number;
  statePath: string;
  diskFloorBytes: number;
  log: { level: Level; format: LogFormat };
};

/** The flags of `winnow runner`, as they stand on the command line. Each wins over its variable. */
export type RunnerFlags = {
  server?: string;
  token?: string;
  name?: string;
  labels?: string[];
  slots?: string;
  diskFloor?: string;
  logLevel?: string;
  logFormat?: string;
};

const Server = z
  .url({ protocol: /^https?$/, error: "write http://HOST or https://HOST, with a port and a path if need be" })
  .refine((text) => !/[?#@]/.test(text), "it can have no user, query or fragment")
  .transform((text) => text.replace(/\/+$/, ""));

const LabelList = z
  .string()
  .transform((text, context) => {
    const labels: Record<string, string> = {};
    for (const pair of text.split(",").filter((one) => one.trim() !== "")) {
      const equals = pair.indexOf("=");
      if (equals < 1) context.addIssue({ code: "custom", message: `${JSON.stringify(pair)}: write NAME=value` });
      else labels[pair.slice(0, equals).trim()] = pair.slice(equals + 1).trim();
    }
    return labels;
  })
  .pipe(Labels);

const Slots = z
  .string()
  .regex(/^\d{1,3}$/, "write a whole number")
  .transform(Number)
  .pipe(RunnerFacts.shape.slots);

const Gibibytes = z
  .string()
  .regex(/^\d{1,6}(\.\d{1,3})?$/, "write a number of GiB, such as 10 or 0.5")
  .transform((text) => Math.round(Number(text) * 2 ** 30));

/** A token's shape is looked at by the server; one with a blank or a line in it cannot be sent. */
const Token = z.string().regex(/^[\x21-\x7e]+$/, "it is no token");

const settings = z.object({
  WINNOW_SERVER: Server,
  WINNOW_TOKEN: Token.optional(),
  WINNOW_NAME: Registration.shape.name,
  WINNOW_LABELS: LabelList,
  WINNOW_SLOTS: Slots,
  WINNOW_DISK_FLOOR: Gibibytes,
  WINNOW_LOG_LEVEL: z
    .enum(["debug", "info", "warn", "error", "fatal", "panic"])
    .transform((level): Level => (level === "panic" ? "fatal" : level)),
  WINNOW_LOG_FORMAT: z.enum(["text", "json"]),
});

/** The flag of each variable, and what holds without both. */
const sources: Record<keyof z.infer<typeof settings>, { flag: keyof RunnerFlags; otherwise?: string }> = {
  WINNOW_SERVER: { flag: "server" },
  WINNOW_TOKEN: { flag: "token" },
  WINNOW_NAME: {
    flag: "name",
    otherwise:
      hostname()
        .replace(/[^A-Za-z0-9._-]/g, "-")
        .slice(0, 63) || "runner",
  },
  WINNOW_LABELS: { flag: "labels", otherwise: "" },
  WINNOW_SLOTS: { flag: "slots", otherwise: "1" },
  WINNOW_DISK_FLOOR: { flag: "diskFloor", otherwise: "10" },
  WINNOW_LOG_LEVEL: { flag: "logLevel", otherwise: "info" },
  WINNOW_LOG_FORMAT: { flag: "logFormat", otherwise: "json" },
};

/**
 * What environment and flags say. An empty variable is one that is not set. `statePath` is the command line's; the runner has a
 * directory of its own in it. Throws one `config.invalid` that names all faults, and never with the token.
 */
export function loadRunnerConfig(env: Environment, flags: RunnerFlags & { statePath: string }): RunnerConfig {
  const faults: string[] = [];
  const fromFile = tokenOfFile(env, flags, faults);
  const given: Record<string, string | undefined> = {};
  for (const [name, { flag, otherwise }] of Object.entries(sources)) {
    const flagged = flags[flag];
    const text = Array.isArray(flagged) ? flagged.join(",") : flagged;
    given[name] = text ?? (env[name] || undefined) ?? (name === "WINNOW_TOKEN" ? fromFile : undefined) ?? otherwise;
  }
  const parsed = settings.safeParse(given);
  if (!parsed.success) faults.push(...parsed.error.issues.map((issue) => faultOf(issue, given, flags)));
  if (!parsed.success || faults.length > 0)
    throw new WinnowError("config.invalid", faults.join("\n"), "See `winnow runner --help`.");
  const { data } = parsed;
  return {
    server: data.WINNOW_SERVER,
    token: data.WINNOW_TOKEN,
    name: data.WINNOW_NAME,
    labels: data.WINNOW_LABELS,
    slots: data.WINNOW_SLOTS,
    statePath: join(flags.statePath, "runner"),
    diskFloorBytes: data.WINNOW_DISK_FLOOR,
    log: { level: data.WINNOW_LOG_LEVEL, format: data.WINNOW_LOG_FORMAT },
  };
}

function faultOf({ path, message }: z.core.$ZodIssue, given: Record<string, string | undefined>, flags: RunnerFlags) {
  const name = path[0] as keyof typeof sources; // what the schema has as keys
  const { flag } = sources[name];
  const where =
    flags[flag] === undefined ? name : `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const value = given[name];
  if (value === undefined) return `${where}: is missing (--${flag} or ${name})`;
  const rest = path.slice(1).map((part) => ` ${String(part)}:`);
  return `${where}${name === "WINNOW_TOKEN" ? "" : ` ${JSON.stringify(value)}`}:${rest.join("")} ${message}`;
}

/** A file can be kept from other processes; a command line can not. */
function tokenOfFile(env: Environment, flags: RunnerFlags, faults: string[]): string | undefined {
  const file = env.WINNOW_TOKEN_FILE;
  if (!file || flags.token !== undefined) return undefined;
  if (env.WINNOW_TOKEN) faults.push("WINNOW_TOKEN_FILE: WINNOW_TOKEN is set too; say it once");
  try {
    return readFileSync(file, "utf8").trim();
  } catch (thrown) {
    faults.push(`WINNOW_TOKEN_FILE: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    return undefined;
  }
}

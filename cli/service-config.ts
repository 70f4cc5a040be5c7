import type { Level } from "pino";
import { z } from "zod";
import type { S3Settings } from "#api/store/s3-settings.ts";
import type { RetentionRule } from "#api/upkeep/retention.ts";
import { Labels } from "#contract/service/runner-protocol.ts";
import { Timings } from "#contract/service/timings.ts";
import type { Environment } from "./config.ts";
import type { LogFormat } from "./log.ts";
import { readS3, refuse, Yes } from "./s3-config.ts";

/** All that `winnow serve` can be told. docs/running.md says what each does. */
export type ServiceConfig = {
  listen: { host: string; port: number };
  statePath: string;
  /** Where others find the server; undefined: where it listens. */
  publicUrl: string | undefined;
  /** Undefined: artifacts lie in the state directory. */
  s3: S3Settings | undefined;
  timings: Timings;
  retention: RetentionRule;
  /** How long running requests may take to end when the server stops, and jobs of its own runner, ms. */
  stopMs: number;
  drainMs: number;
  /** Without a format: text on a terminal, else JSON. */
  log: { level: Level; format: LogFormat | undefined };
  /** Of the embedded runner; undefined: there is none. */
  runner: { slots: number; labels: Labels } | undefined;
};

/** The flags of `winnow serve`, as they stand on the command line. Each wins over its variable. */
export type ServiceFlags = {
  listen?: string;
  statePath?: string;
  publicUrl?: string;
  retentionDays?: string;
  retentionJobs?: string;
  logLevel?: string;
  logFormat?: string;
  runner?: boolean;
  slots?: string;
  labels?: string[];
};

const wholeNumber = (most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "write a whole number")
    .transform(Number)
    .refine((number) => number <= most, `write at most ${most}`);

/** A number, or `off`; 0 is off as well. */
const Bound = (most: number) =>
  z.union(
    [z.literal(["off", "0"]).transform(() => null), wholeNumber(most)],
    `write a number from 1 to ${most}, or off`,
  );

const Seconds = wholeNumber(86_400).transform((seconds) => seconds * 1000);

const Listen = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+):\d{1,5}$/, "write HOST:PORT, such as 127.0.0.1:7480 or [::1]:7480")
  .transform((text) => {
    const colon = text.lastIndexOf(":");
    return { host: text.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(text.slice(colon + 1)) };
  })
  .refine(({ port }) => port <= 65_535, "a port is at most 65535");

const PublicUrl = z
  .url({ protocol: /^https?$/, error: "write http://HOST or https://HOST, with a port and a path if need be" })
  .refine((text) => URL.canParse(text) && !/[?#@]/.test(text), "it can have no user, query or fragment")
  .transform((text) => text.replace(/\/+$/, ""));

const OwnTimings = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: "custom", message: "write a JSON object" });
      return z.NEVER;
    }
  })
  .pipe(z.strictObject(Timings.shape).partial())
  .transform((given) => Timings.parse(given))
  .refine(
    ({ heartbeatMs, fenceMs, abandonMs, leaseMs }) =>
      heartbeatMs < fenceMs && fenceMs < abandonMs && abandonMs < leaseMs,
    "heartbeatMs, fenceMs, abandonMs and leaseMs must rise in this order",
  );

const LabelList = z
  .string()
  .transform((text) => text.split(",").filter((one) => one.trim() !== ""))
  .transform((pairs, context) => {
    const labels: Record<string, string> = {};
    for (const pair of pairs) {
      const at = pair.indexOf("=");
      if (at < 1) context.addIssue({ code: "custom", message: `${JSON.stringify(pair)}: write NAME=value` });
      labels[pair.slice(0, at).trim()] = pair.slice(at + 1).trim();
    }
    return labels;
  })
  .pipe(Labels);

/** What is said of the service, each under its variable; what is not said is undefined. */
const Settings = z.object({
  WINNOW_LISTEN: Listen.prefault("127.0.0.1:7480"),
  WINNOW_STATE_PATH: z.string().min(1),
  WINNOW_PUBLIC_URL: PublicUrl.optional(),
  WINNOW_TIMINGS: OwnTimings.prefault("{}"),
  WINNOW_RETENTION_DAYS: Bound(36_500).prefault("30"),
  WINNOW_RETENTION_JOBS: Bound(1_000_000).prefault("off"),
  WINNOW_STOP_SECONDS: Seconds.prefault("30"),
  WINNOW_DRAIN_SECONDS: Seconds.prefault("300"),
  WINNOW_LOG_LEVEL: z
    .enum(["debug", "info", "warn", "error", "fatal", "panic"])
    .transform((level): Level => (level === "panic" ? "fatal" : level))
    .prefault("info"),
  WINNOW_LOG_FORMAT: z.enum(["text", "json"]).optional(),
  WINNOW_RUNNER: Yes.prefault("true"),
  WINNOW_SLOTS: wholeNumber(64)
    .refine((slots) => slots > 0, "write at least 1")
    .prefault("1"),
  WINNOW_LABELS: LabelList.prefault(""),
});

const flagOf: Partial<Record<keyof z.infer<typeof Settings>, keyof ServiceFlags>> = {
  WINNOW_LISTEN: "listen",
  WINNOW_STATE_PATH: "statePath",
  WINNOW_PUBLIC_URL: "publicUrl",
  WINNOW_RETENTION_DAYS: "retentionDays",
  WINNOW_RETENTION_JOBS: "retentionJobs",
  WINNOW_LOG_LEVEL: "logLevel",
  WINNOW_LOG_FORMAT: "logFormat",
  WINNOW_RUNNER: "runner",
  WINNOW_SLOTS: "slots",
  WINNOW_LABELS: "labels",
};

/**
 * What environment and flags say, in one piece. An empty variable is one that is not set. Throws one `config.invalid` that
 * names all faults, each under the flag or variable it comes from, and never with the value of a secret.
 */
export function loadServiceConfig(env: Environment, flags: ServiceFlags & { statePath: string }): ServiceConfig {
  const faults: string[] = [];
  const settings = Settings.safeParse(gather(env, flags));
  if (!settings.success) faults.push(...settings.error.issues.map((issue) => faultOf(issue, env, flags)));
  const s3 = readS3(env, faults);
  if (!settings.success || faults.length > 0) throw refuse(faults);
  const { data } = settings;
  return {
    listen: data.WINNOW_LISTEN,
    statePath: data.WINNOW_STATE_PATH,
    publicUrl: data.WINNOW_PUBLIC_URL,
    s3,
    timings: data.WINNOW_TIMINGS,
    retention: { days: data.WINNOW_RETENTION_DAYS, jobsOfRepository: data.WINNOW_RETENTION_JOBS },
    stopMs: data.WINNOW_STOP_SECONDS,
    drainMs: data.WINNOW_DRAIN_SECONDS,
    log: { level: data.WINNOW_LOG_LEVEL, format: data.WINNOW_LOG_FORMAT },
    runner: data.WINNOW_RUNNER ? { slots: data.WINNOW_SLOTS, labels: data.WINNOW_LABELS } : undefined,
  };
}

function gather(env: Environment, flags: ServiceFlags): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.keys(Settings.shape).map((name) => {
      const given = flagged(name, flags);
      const text = Array.isArray(given) ? given.join(",") : given?.toString();
      return [name, text ?? (env[name] || undefined)];
    }),
  );
}

function flagged(name: string, flags: ServiceFlags) {
  const flag = flagOf[name as keyof typeof flagOf]; // for a variable without a flag it is undefined
  return flag === undefined ? undefined : flags[flag];
}

function faultOf({ path, message }: z.core.$ZodIssue, env: Environment, flags: ServiceFlags): string {
  const name = String(path[0]);
  const given = flagged(name, flags);
  const where = given === undefined ? name : `--${name.replace("WINNOW_", "").replaceAll("_", "-").toLowerCase()}`;
  const rest = path.slice(1).map((part) => ` ${String(part)}:`);
  return `${where} ${JSON.stringify(given ?? env[name] ?? "")}:${rest.join("")} ${message}`;
}

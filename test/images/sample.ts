import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Run, Scenario } from "#contract/job.ts";

/** Spells out `[METHOD:]RESOURCE`, the short form that the command line takes as well; the rest is for the schema. */
function expandProbe(probe: unknown): unknown {
  const found = typeof probe === "string" ? /^(?:([A-Z]+):)?(\/.*)$/.exec(probe) : null;
  return found ? { kind: "http", method: found[1] ?? "GET", resource: found[2] } : probe;
}

const SampleScenario = z.preprocess(
  (value) =>
    value instanceof Object && "probes" in value && Array.isArray(value.probes)
      ? { ...value, probes: value.probes.map(expandProbe) }
      : value,
  Scenario,
);

const Pattern = z.string().transform((source) => new RegExp(source, "su"));
const oneOrMore = <T extends z.ZodType>(item: T) => z.union([z.array(item), item.transform((value) => [value])]);
const Expected = {
  equals: z.string().optional(),
  contains: oneOrMore(z.string()).optional(),
  matches: Pattern.optional(),
};

const HttpStep = z.strictObject({
  /** `METHOD /resource` */
  http: z.string().regex(/^[A-Z]+ \/\S*$/),
  port: z.int().optional(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
  status: z.int().default(200),
  /** The start of the Content-Type header. */
  type: z.string().optional(),
  /** Header names (lower case) to the text that they must hold. */
  sends: z.record(z.string(), z.string()).default({}),
  minBytes: z.int().optional(),
  /** Names to patterns: what group 1 finds in the body stands for `${NAME}` in the HTTP steps that follow. */
  remembers: z.record(z.string(), Pattern).default({}),
  ...Expected,
});

const ExecStep = z.strictObject({
  exec: z.array(z.string()).min(1),
  user: z.string().optional(),
  exit: z.int().default(0),
  ...Expected,
});

/** Sends one byte per character, and reads until the answer is as expected, the server hangs up or time is up. */
const TcpStep = z.strictObject({ tcp: z.string(), port: z.int().optional(), ...Expected });

const LogStep = z.strictObject({ logs: z.literal(true), ...Expected });

/** The numeric user and group that process 1 runs as, seen from outside: the image needs no `ps`. */
const ProcessStep = z.strictObject({ process: z.strictObject({ uid: z.int(), gid: z.int() }) });

const HealthStep = z.strictObject({ health: z.literal("healthy"), withinMs: z.int().default(30_000) });

/** Mode bits with setuid and the like, owner and link target of one path of the running container. */
const FileStep = z.strictObject({
  file: z.string().startsWith("/"),
  mode: z
    .string()
    .regex(/^[0-7]{3,4}$/)
    .optional(),
  uid: z.int().optional(),
  gid: z.int().optional(),
  linksTo: z.string().optional(),
});

/** Parts of the config by the engine's names (`User`, `Env`, `Labels` ...), as they must be in any image of the sample. */
const ConfigStep = z.strictObject({ config: z.record(z.string(), z.unknown()) });

/** Stops and starts the same container: what it wrote at its first start must not be in its way at the second. */
const RestartStep = z.strictObject({ restart: z.literal(true), graceSeconds: z.int().default(20) });
const StopStep = z.strictObject({ stop: z.array(z.int()).min(1) });
/** Waits until the command ends by itself. */
const ExitStep = z.strictObject({ exits: z.int() });

export const Step = z.union([
  HttpStep,
  ExecStep,
  TcpStep,
  LogStep,
  ProcessStep,
  HealthStep,
  FileStep,
  ConfigStep,
  RestartStep,
  StopStep,
  ExitStep,
]);
export type Step = z.infer<typeof Step>;
export type Expectation = {
  contains?: string[] | undefined;
  matches?: RegExp | undefined;
  equals?: string | undefined;
};

/** One container: how it is started, when it counts as ready, and what is then asked of it. */
export const Check = z.strictObject({
  name: z.string(),
  cmd: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  env: z.array(z.string()).default([]),
  user: z.string().optional(),
  stdin: z.string().optional(),
  readOnly: z.boolean().default(false),
  /** Sends back the cookies that the application sets, for log-ins. */
  cookies: z.boolean().default(false),
  /** Mount points to the names of volumes, which live as long as all checks of the sample. */
  volumes: z.record(z.string().startsWith("/"), z.string()).default({}),
  ready: z.union([HttpStep, ExecStep, TcpStep]).optional(),
  readyMs: z.int().default(60_000),
  steps: z.array(Step).min(1),
});
export type Check = z.infer<typeof Check>;

export const Sample = z.strictObject({
  name: z.string(),
  description: z.string(),
  port: z.int().nullable(),
  /** What a job is given, so that every feature which the checks ask for is exercised. */
  scenarios: z.array(SampleScenario).min(1),
  run: Run.default(Run.parse({})),
  /** How an application that others wrote came into its image. */
  installed: z.enum(["npm", "pip", "maven", "packages", "binary", "archive"]).optional(),
  /** Paths of the image; the checks fail on an image that lacks any one of them. */
  spoils: z.array(z.string().startsWith("/")).default([]),
  checks: z.array(Check).min(1),
});
export type Sample = z.infer<typeof Sample>;

/** Reads and validates `DIR/sample.json`. */
export function loadSample(dir: string): Sample {
  const file = join(dir, "sample.json");
  const parsed = Sample.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

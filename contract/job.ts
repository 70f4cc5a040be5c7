import { z } from "zod";
import { Keep } from "./keep.ts";
import { Observe } from "./observe.ts";
import { EnvAssignment, Output, type Override } from "./output.ts";

export { Keep, KeepProfile } from "./keep.ts";

export const Port = z.int().min(1).max(65535);
const Seconds = z.number().positive();

/** One HTTP request. Without `protocol` http is tried first, then https; without `port` it goes to every listening port. */
export const HttpProbe = z.strictObject({
  kind: z.literal("http"),
  protocol: z.enum(["http", "https"]).optional(),
  method: z
    .string()
    .regex(/^[A-Z]+$/, "write the method in capitals, e.g. GET")
    .default("GET"),
  resource: z.string().startsWith("/"),
  port: Port.optional(),
  headers: z.array(z.tuple([z.string().min(1), z.string()])).default([]),
  body: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
});

/** One command run inside the container, under the sensor, as the image's user. */
export const ExecProbe = z.strictObject({
  kind: z.literal("exec"),
  argv: z.array(z.string()).min(1),
  stdin: z.string().optional(),
  expectExit: z.int().min(0).max(255).default(0),
  /** The image's HEALTHCHECK: tried again until it passes, as the engine does. Its exit code counts, what it writes does not. */
  health: z.strictObject({ tries: z.int().min(1), everyMs: z.int().min(1), timeoutMs: z.int().min(1) }).optional(),
});

/** Opens a TCP connection, sends `send` if given, and reads what comes: for servers that do not speak HTTP. */
export const TcpProbe = z.strictObject({ kind: z.literal("tcp"), port: Port.optional(), send: z.string().optional() });

export const Probe = z.discriminatedUnion("kind", [HttpProbe, ExecProbe, TcpProbe]);
export type Probe = z.infer<typeof Probe>;
export type HttpProbe = z.infer<typeof HttpProbe>;
export type ExecProbe = z.infer<typeof ExecProbe>;
export type TcpProbe = z.infer<typeof TcpProbe>;

const Resource = z.string().startsWith("/");

/** Follows the links of the probes' HTML answers on their own origin, breadth first. Every run repeats what the first one visited. */
export const Crawl = z.strictObject({
  /** Pages that a probe's answer links to are at depth 1. */
  maxDepth: z.int().min(1).max(20).default(3),
  /** Requests of any kind: pages, scripts, styles, images. */
  maxPages: z.int().min(1).max(5000).default(1000),
  /** Of all bodies together. */
  maxBytes: z
    .int()
    .min(1)
    .default(256 * 2 ** 20),
  maxMs: z.int().min(1).default(60_000),
});
export type Crawl = z.infer<typeof Crawl>;

/** OpenAPI 2 and 3 documents that the application itself serves: each operation gets one request. */
export const ApiSpecs = z.strictObject({
  /** Where it serves them. `prefix` stands before each path instead of what the document says. */
  documents: z
    .array(z.strictObject({ resource: Resource, prefix: Resource.optional() }))
    .max(20)
    .default([]),
  /** Look for one at the paths where frameworks put it, too. */
  wellKnown: z.boolean().default(false),
  /** Also send POST, PUT, PATCH and DELETE. */
  mutating: z.boolean().default(false),
  maxRequests: z.int().min(1).max(5000).default(500),
});
export type ApiSpecs = z.infer<typeof ApiSpecs>;

/** When an observation ends. */
export const Finish = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("probe-done") }),
  z.strictObject({ kind: z.literal("command-exit") }),
  z.strictObject({ kind: z.literal("quiet"), seconds: Seconds.default(5) }),
  z.strictObject({ kind: z.literal("seconds"), seconds: Seconds }),
  z.strictObject({ kind: z.literal("timeout") }),
  z.strictObject({ kind: z.literal("signal") }),
]);
export type Finish = z.infer<typeof Finish>;

/**
 * What happens to a service in its life, each observed and verified as one more run of its scenario: `restart` a new container
 * on the volumes of the one before, `reload` SIGHUP and the probes after it, `timezone` and `locale` another TZ and LANG,
 * `read-only` a root file system that cannot be written.
 */
export const Lifecycle = z.enum(["restart", "reload", "timezone", "locale", "read-only"]);
export type Lifecycle = z.infer<typeof Lifecycle>;

/** One way to run the image. What is left out comes from the image's config. */
export const Scenario = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,40}$/, "write at most 41 lower-case letters, digits and dashes")
    .default("default"),
  entrypoint: z.array(z.string()).optional(),
  cmd: z.array(z.string()).optional(),
  env: z.array(EnvAssignment).default([]),
  user: z.string().optional(),
  workdir: z.string().startsWith("/").optional(),
  stdin: z.string().optional(),
  /** `GET /` on every listening port, besides `probes`. */
  defaultProbe: z.boolean().default(true),
  probes: z.array(Probe).default([]),
  /** Sent after the probes. */
  apiSpecs: ApiSpecs.optional(),
  /** Done after all other requests. */
  crawl: Crawl.optional(),
  /** Left out: `probe-done` when something listens, `command-exit` when the command ends first. */
  finish: Finish.optional(),
  /** The exit code that the command must have; only looked at when the command ends by itself. */
  expectExit: z.int().min(0).max(255).optional(),
  lifecycle: z.array(Lifecycle).default([]),
});
export type Scenario = z.infer<typeof Scenario>;

/** Answers are told apart by the name of their scenario, and a person can end only one observation by hand. */
const Scenarios = z
  .array(Scenario)
  .min(1)
  .max(50)
  .superRefine((scenarios, context) => {
    const refuse = (index: number, field: string, message: string) =>
      context.addIssue({ code: "custom", path: [index, field], message });
    for (const [index, { name, finish }] of scenarios.entries()) {
      const before = scenarios.slice(0, index);
      if (before.some((other) => other.name === name))
        refuse(index, "name", `two scenarios are named ${JSON.stringify(name)}`);
      if (finish?.kind === "signal" && before.some((other) => other.finish?.kind === "signal"))
        refuse(index, "finish", "only one scenario can wait for a signal");
    }
  });

/** How the container is connected to the world. The default is no network at all; probes go through the relay. */
export const Run = z.strictObject({
  network: z.string().min(1).default("none"),
  hostname: z.string().optional(),
  etcHosts: z.array(z.string().regex(/^[^:\s]+:.+$/, "write NAME:ADDRESS")).default([]),
  dns: z.array(z.string()).default([]),
  dnsSearch: z.array(z.string()).default([]),
  links: z.array(z.string()).default([]),
  expose: z.array(z.string().regex(/^\d+(\/(tcp|udp))?$/, "write PORT or PORT/tcp")).default([]),
  mounts: z.array(z.string().regex(/^[^:]+:[^:]+(:ro|:rw)?$/, "write SOURCE:TARGET or SOURCE:TARGET:ro")).default([]),
});
export type Run = z.infer<typeof Run>;

export const Limits = z.strictObject({
  memoryBytes: z
    .int()
    .min(16 * 2 ** 20)
    .default(2 * 2 ** 30),
  cpus: z.number().positive().default(2),
  pids: z.int().min(16).default(2048),
  /** How much a run may write to the engine's disk. It is the disk that is looked at, so what others write meanwhile counts. */
  diskBytes: z
    .int()
    .min(2 ** 20)
    .default(10 * 2 ** 30),
  /** How long an application may take until it listens (or answers). */
  startMs: z.int().min(1).default(60_000),
  /** How long a scenario may take in all. */
  scenarioMs: z.int().min(1).default(600_000),
  /** How long one probe may take. */
  probeMs: z.int().min(1).default(30_000),
});
export type Limits = z.infer<typeof Limits>;

export const JobKind = z.enum(["slim", "profile", "info"]);
export type JobKind = z.infer<typeof JobKind>;

export const PullPolicy = z.enum(["if-absent", "always", "never"]);

export const JobRequest = z
  .strictObject({
    kind: JobKind.default("slim"),
    image: z.string().min(1),
    pull: PullPolicy.default("never"),
    scenarios: Scenarios.default([Scenario.parse({})]),
    run: Run.default(Run.parse({})),
    observe: Observe.default(Observe.parse({})),
    limits: Limits.default(Limits.parse({})),
    keep: Keep.default(Keep.parse({})),
    output: Output.default(Output.parse({})),
    /** Names for the slim image; default: `NAME.slim` with the tag of the source. */
    tags: z.array(z.string().min(1)).default([]),
  })
  .superRefine(({ scenarios, output }, context) => {
    for (const field of ambiguous(scenarios, output.keepOverrides)) {
      const message = `the scenarios differ in ${field}, and the image can have only one`;
      context.addIssue({ code: "custom", path: ["output", "keepOverrides"], message });
    }
  });
export type JobRequest = z.infer<typeof JobRequest>;

/** What is to be kept as it was run, and was run in several ways. */
function ambiguous(scenarios: readonly Scenario[], kept: readonly Override[]) {
  const fields = (["entrypoint", "cmd", "workdir", "user", "env"] as const).filter(
    (field) => kept.includes(field) || kept.includes("all"),
  );
  return fields.filter((field) => new Set(scenarios.map((one) => JSON.stringify(one[field]))).size > 1);
}

export const JobState = z.enum([
  "queued",
  "running",
  "canceling",
  "succeeded",
  "failed",
  "canceled",
  "skipped",
  "expired",
]);
export type JobState = z.infer<typeof JobState>;

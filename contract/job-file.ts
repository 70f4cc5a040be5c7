import { z } from "zod";
import {
  ApiSpecs as ApiSpecsRequest,
  Crawl as CrawlRequest,
  HttpProbe,
  Lifecycle,
  Limits,
  Port,
  PullPolicy,
  Run,
  Scenario,
} from "./job.ts";
import { Env, lineOf, Scalar, type ShortForms } from "./job-file-forms.ts";
import { keepRules, outputEdits } from "./job-file-rules.ts";
import { Observe } from "./observe.ts";
import { type Context, Duration, readBy, Size, strict, written } from "./written.ts";

/** RFC 9110, 5.1 and 5.5. */
const header = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*$/;

function toHeader(text: string, context: Context, path: PropertyKey[]): [string, string] {
  const [, name, value] = header.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  context.addIssue({ code: "custom", message: "is no header: a name, then a value of one line", path });
  return ["", ""];
}

const Headers = written(
  {
    list: z
      .array(z.string())
      .transform((lines, context) => lines.map((line, index) => toHeader(line, context, [index]))),
    map: z
      .record(z.string(), Scalar)
      .transform((map, context) =>
        Object.entries(map).map(([name, value]) => toHeader(`${name}: ${value}`, context, [name])),
      ),
  },
  'a map of Name: value, or a list of "Name: value"',
);

const FinishWord = z.enum(["probe-done", "command-exit", "quiet", "timeout", "signal"]);
const finishHint = `${FinishWord.options.join(", ")}, a time such as 30s, or {quiet: 10s}`;
const toSeconds = (ms: number) => ({ kind: "seconds" as const, seconds: ms / 1000 });
type FinishInput = NonNullable<z.input<typeof Scenario>["finish"]>;

const Finish = written<FinishInput>(
  {
    number: Duration.transform(toSeconds),
    text: z.string().transform((text, context): FinishInput => {
      const word = FinishWord.safeParse(text);
      if (word.success) return { kind: word.data };
      const time = Duration.safeParse(text);
      if (time.success) return toSeconds(time.data);
      context.addIssue({ code: "custom", message: `write ${finishHint}` });
      return z.NEVER;
    }),
    map: strict({ quiet: Duration }).transform(({ quiet }) => ({ kind: "quiet" as const, seconds: quiet / 1000 })),
  },
  finishHint,
);

/** Requests as a person writes them, e.g. `http: POST:/items` or `http: {resource: /items, headers: {accept: text/html}}`. */
const httpProbe = ({ httpProbe: read }: ShortForms) =>
  written<z.input<typeof HttpProbe>>(
    {
      text: readBy(read),
      map: strict({
        ...HttpProbe.omit({ kind: true, method: true, headers: true }).shape,
        method: z.string().toUpperCase().pipe(HttpProbe.shape.method.unwrap()).optional(),
        headers: Headers.optional(),
      }).transform((request) => ({ kind: "http" as const, ...request })),
    },
    "a resource such as /items or POST:/items, or a map with resource",
  );

const TcpProbe = written(
  {
    number: Port.transform((port) => ({ kind: "tcp" as const, port })),
    map: strict({ port: Port.optional(), send: z.string().optional() }).transform((probe) => ({
      kind: "tcp" as const,
      ...probe,
    })),
  },
  "a port, or a map with port and send",
);

const Exit = z.int().min(0).max(255);

function execProbe({ execArgv }: ShortForms) {
  const Command = lineOf(execArgv).refine((argv) => argv.length > 0, "the command is empty");
  const bare = Command.transform((argv) => ({ kind: "exec" as const, argv }));
  return written(
    {
      text: bare,
      list: bare,
      map: strict({
        command: Command,
        stdin: z.string().optional(),
        expectExit: Exit.optional(),
      }).transform(({ command, ...rest }) => ({ kind: "exec" as const, argv: command, ...rest })),
    },
    "a command line, a list of words, or a map with command",
  );
}

const probe = (forms: ShortForms) =>
  strict({
    http: httpProbe(forms).optional(),
    tcp: TcpProbe.optional(),
    exec: execProbe(forms).optional(),
  }).transform((entry, context): z.input<typeof Scenario>["probes"] & object => {
    const given = Object.values(entry).filter((one) => one !== undefined);
    // Below an unknown key the kind is not missing, it is misspelt.
    if (given.length !== 1 && context.issues.length === 0)
      context.addIssue({ code: "custom", message: "write one of http, tcp and exec in each item of the list" });
    return given;
  });

const { maxDepth, maxPages, maxBytes, maxMs } = CrawlRequest.shape;
const Crawl = written<z.input<typeof CrawlRequest> | undefined>(
  {
    flag: z.boolean().transform((isWanted) => (isWanted ? {} : undefined)),
    map: strict({
      maxDepth,
      maxPages,
      maxBytes: Size.pipe(maxBytes.unwrap()).optional(),
      maxTime: Duration.pipe(maxMs.unwrap()).optional(),
    }).transform(({ maxTime, ...rest }) => ({ ...rest, maxMs: maxTime })),
  },
  "true, or a map with maxDepth, maxPages, maxBytes and maxTime",
);

const { documents, ...otherSpecs } = ApiSpecsRequest.shape;
const SpecDocument = documents.unwrap().element;
const ApiSpecs = written<z.input<typeof ApiSpecsRequest> | undefined>(
  {
    flag: z.boolean().transform((isWanted) => (isWanted ? { wellKnown: true } : undefined)),
    map: strict({
      ...otherSpecs,
      documents: z
        .array(
          written(
            {
              text: SpecDocument.shape.resource.transform((resource) => ({ resource })),
              map: strict(SpecDocument.shape),
            },
            "where the application serves it, or a map with resource and prefix",
          ),
        )
        .optional(),
    }),
  },
  "true, or a map with documents, wellKnown, mutating and maxRequests",
);

const scenario = (forms: ShortForms) =>
  strict({
    name: Scenario.shape.name,
    entrypoint: lineOf(forms.argv).optional(),
    cmd: lineOf(forms.argv).optional(),
    env: Env.optional(),
    user: Scalar.optional(),
    workdir: Scenario.shape.workdir,
    stdin: Scenario.shape.stdin,
    defaultProbe: Scenario.shape.defaultProbe,
    probes: z.array(probe(forms)).default([]),
    apiSpecs: ApiSpecs.optional(),
    crawl: Crawl.optional(),
    finish: Finish.optional(),
    expectExit: Exit.optional(),
    lifecycle: z.array(Lifecycle).default([]),
  }).transform((one) => ({ ...one, probes: one.probes.flat() }));

const { memoryBytes, diskBytes, cpus, pids, startMs, scenarioMs, probeMs } = Limits.shape;
const Bounds = strict({
  memory: Size.pipe(memoryBytes.unwrap()).optional(),
  disk: Size.pipe(diskBytes.unwrap()).optional(),
  cpus,
  pids,
  start: Duration.pipe(startMs.unwrap()).optional(),
  scenario: Duration.pipe(scenarioMs.unwrap()).optional(),
  probe: Duration.pipe(probeMs.unwrap()).optional(),
}).transform(({ memory, disk, start, scenario: whole, probe: one, ...rest }) => ({
  ...rest,
  memoryBytes: memory,
  diskBytes: disk,
  startMs: start,
  scenarioMs: whole,
  probeMs: one,
}));

/**
 * A job file as a person writes it (docs/job-file.md), read into the fields of a JobRequest: all but `kind`, which the command
 * says, and `image`, which the command line may say.
 */
export const jobFile = (forms: ShortForms) =>
  strict({
    image: z.string().min(1).optional(),
    pull: PullPolicy.optional(),
    tags: z.array(z.string().min(1)).default([]),
    keep: keepRules(forms).optional(),
    output: outputEdits(forms).optional(),
    run: strict({
      ...Run.shape,
      expose: z.array(Scalar.pipe(Run.shape.expose.unwrap().element)).default([]),
    }).optional(),
    observe: strict(Observe.shape).optional(),
    limits: Bounds.optional(),
    scenarios: z.array(scenario(forms)).min(1).optional(),
  });
export type JobFile = z.infer<ReturnType<typeof jobFile>>;

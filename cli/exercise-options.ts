import type { Command } from "commander";
import { z } from "zod";
import { WinnowError } from "#contract/error.ts";
import type { HttpProbe } from "#contract/job.ts";
import { parseAccessLog } from "#runner/probes/capture/access-log.ts";
import { parseHar } from "#runner/probes/capture/har.ts";
import { parseApiDocument } from "#runner/probes/openapi/document.ts";
import { requestsOf } from "#runner/probes/openapi/requests.ts";

const Repeated = z.array(z.string()).default([]);

/** Flags that make requests out of what the application serves or what was recorded of it (docs/probes.md). */
export const exerciseFlags = {
  httpProbeCrawl: z.boolean().optional(),
  httpCrawlMaxDepth: z.string().optional(),
  httpCrawlMaxPageCount: z.string().optional(),
  httpProbeApispec: Repeated,
  httpProbeApispecFile: Repeated,
  httpProbeApispecMutating: z.boolean().default(false),
  httpProbeHar: Repeated,
  httpProbeHarHost: z.string().optional(),
  httpProbeAccessLog: Repeated,
};
export type ExerciseOptions = z.infer<z.ZodObject<typeof exerciseFlags>>;

const repeated = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

export function addExerciseOptions(sub: Command): void {
  sub
    .option("--http-probe-crawl", "follow the links of the pages that the probes get")
    .option("--no-http-probe-crawl", "do not (default)")
    .option("--http-crawl-max-depth <n>", "how many links away from a probe (default: 3)")
    .option("--http-crawl-max-page-count <n>", "how many requests (default: 1000)")
    .option(
      "--http-probe-apispec <path[:prefix]>",
      "call what the OpenAPI document at this path of the application names; `auto` looks where frameworks put it; repeatable",
      repeated,
    )
    .option(
      "--http-probe-apispec-file <file[:prefix]>",
      "the same with the document in this file; repeatable",
      repeated,
    )
    .option("--http-probe-apispec-mutating", "call operations with POST, PUT, PATCH and DELETE, too")
    .option("--http-probe-har <file>", "send the requests of this HAR file; repeatable", repeated)
    .option("--http-probe-har-host <host>", "the host in it that is the application (default: of the first request)")
    .option(
      "--http-probe-access-log <file>",
      "send the GET and HEAD requests of this access log; repeatable",
      repeated,
    );
}

/** The files that these flags name, each with its flag. */
export const exerciseFiles = (options: ExerciseOptions): { option: string; file: string }[] => [
  ...options.httpProbeApispecFile.map((text) => ({
    option: "--http-probe-apispec-file",
    file: withPrefix(text).place,
  })),
  ...options.httpProbeHar.map((file) => ({ option: "--http-probe-har", file })),
  ...options.httpProbeAccessLog.map((file) => ({ option: "--http-probe-access-log", file })),
];

type Reader = <T>(option: string, work: () => T) => T | undefined;

/** The requests that files describe. `files` holds their texts by name; faults go through `read`, under the option's name. */
export function capturedProbes(
  options: ExerciseOptions,
  files: ReadonlyMap<string, string>,
  read: Reader,
): HttpProbe[] {
  const text = (file: string) => files.get(file) ?? "";
  const specs = options.httpProbeApispecFile.map((given) =>
    read("--http-probe-apispec-file", () => {
      const { place, prefix } = withPrefix(given);
      return specProbes(text(place), place, { prefix, mutating: options.httpProbeApispecMutating });
    }),
  );
  const hars = options.httpProbeHar.map((file) =>
    read("--http-probe-har", () => parseHar(text(file), file, options.httpProbeHarHost)),
  );
  const logs = options.httpProbeAccessLog.map((file) =>
    read("--http-probe-access-log", () => parseAccessLog(text(file), file)),
  );
  return [...specs, ...hars, ...logs].flatMap((probes) => probes ?? []);
}

function specProbes(text: string, file: string, asked: { prefix: string | undefined; mutating: boolean }): HttpProbe[] {
  const document = parseApiDocument(text);
  if (!document) {
    const why = `${file} is no OpenAPI 2 or 3 document of at most 4 MiB, in JSON or YAML.`;
    throw new WinnowError("request.invalid", why, "It must have `openapi` or `swagger`, and `paths`.");
  }
  const { probes, mutating } = requestsOf(document, { ...asked, maxRequests: 500 });
  if (probes.length > 0) return probes;
  const hint = mutating > 0 ? "All of its operations may change something: add --http-probe-apispec-mutating." : "";
  throw new WinnowError("request.invalid", `${file} has no operation to call.`, hint);
}

/** What a scenario says of crawl and API specs; undefined where no flag asks for it. */
export function discoveryOf(options: ExerciseOptions, read: Reader): { crawl: unknown; apiSpecs: unknown } {
  const { httpProbeCrawl, httpCrawlMaxDepth, httpCrawlMaxPageCount, httpProbeApispec } = options;
  const hasBounds = httpCrawlMaxDepth !== undefined || httpCrawlMaxPageCount !== undefined;
  const numberOf = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  const documents = httpProbeApispec
    .filter((text) => text !== "auto")
    .map((text) => read("--http-probe-apispec", () => documentOf(text)));
  return {
    crawl:
      (httpProbeCrawl ?? hasBounds)
        ? { maxDepth: numberOf(httpCrawlMaxDepth), maxPages: numberOf(httpCrawlMaxPageCount) }
        : undefined,
    apiSpecs:
      httpProbeApispec.length === 0
        ? undefined
        : {
            documents: documents.filter((one) => one !== undefined),
            wellKnown: httpProbeApispec.includes("auto"),
            mutating: options.httpProbeApispecMutating,
          },
  };
}

function documentOf(text: string): { resource: string; prefix: string | undefined } {
  const { place, prefix } = withPrefix(text);
  if (place.startsWith("/")) return { resource: place, prefix };
  throw new WinnowError(
    "request.invalid",
    `${JSON.stringify(text)} is no path of the application.`,
    "Write /openapi.json, /openapi.json:/v1 or auto; a document in a file is for --http-probe-apispec-file.",
  );
}

/** `PLACE:/PREFIX` in its two parts. */
function withPrefix(text: string): { place: string; prefix: string | undefined } {
  const at = text.lastIndexOf(":/");
  return at <= 0 ? { place: text, prefix: undefined } : { place: text.slice(0, at), prefix: text.slice(at + 1) };
}

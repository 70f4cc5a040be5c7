import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import type { z } from "zod";
import { WinnowError } from "#contract/error.ts";
import { JobRequest } from "#contract/job.ts";
import { type JobFile, jobFile } from "#contract/job-file.ts";
import { keepKeys } from "#contract/job-file-rules.ts";
import type { Keep } from "#contract/keep.ts";
import { parseProbeCommand } from "#runner/probes/parse-probe.ts";
import { toPermsRule } from "./options/path-rule.ts";
import type { JobOptions } from "./options.ts";
import { toArgv, toExecArgv } from "./shell-words.ts";

/** What the command line may say beside a job file: what differs from one use of the file to the next. */
const besides = [
  "--file",
  "--tag",
  "--keep",
  "--pull",
  "--include-paths-creport-file",
  "--json",
  "--show-clogs",
  "--show-blogs",
  "--remove-file-artifacts",
];

/**
 * The request of `-f FILE`, with the flags that may stand beside it; each of those wins over the file. Throws
 * `request.invalid` for any other flag: whether it adds or replaces, two people would read in two ways.
 */
export function requestOfFile(
  text: string,
  { file, image, kind, tag, keep, pull, given, command }: JobOptions & { file: string; image: string | undefined },
  reported: Keep["includeReported"] = [],
): JobRequest {
  const twice = [...given.filter((flag) => !besides.includes(flag)), ...(command ? ["--"] : [])];
  if (twice.length > 0) {
    throw new WinnowError(
      "request.invalid",
      twice.map((flag) => `${flag}: cannot stand beside --file.`).join("\n"),
      `Write it in ${file}; an image, --tag, --keep and --pull may stand beside a job file, and win over it.`,
    );
  }
  const profile = given.includes("--keep") ? keep : undefined;
  return readJobFile(text, file, { kind, image, tags: tag, keep: profile, pull, reported });
}

type Beside = Pick<JobRequest, "kind" | "tags"> & {
  image?: string;
  keep?: string;
  pull: boolean;
  /** What earlier jobs kept: a job file has no key for it, since it is another one with every run. */
  reported?: Keep["includeReported"];
};

/**
 * The request that a job file describes, YAML or JSON. `fileName` is only for messages. Throws one `request.invalid` that
 * lists all faults, each under `FILE:LINE:COLUMN`.
 * @param beside what the command line says instead of the file; no tags, no image and no profile: the file's own
 */
export function readJobFile(text: string, fileName: string, beside: Beside): JobRequest {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const broken = syntaxFaults(document);
  if (broken.length > 0) throw refuse(broken.map(({ at, text: said }) => `${place(at)}: ${said}`));

  keepSpelling(document);
  const content = toPlain(document, place(0));
  const tell = (issues: readonly z.core.$ZodIssue[]) =>
    issues
      .flatMap((issue) => faultsOf(issue, content))
      .map(({ path, key, text: said }) => ({
        at: offsetOf(document, path, key),
        said: `${named(path, key)}${said}`,
      }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ at, said }) => `${place(at)}: ${said}`);
  const file = jobFile({
    argv: toArgv,
    execArgv: toExecArgv,
    httpProbe: parseProbeCommand,
    pathPerms: (text) => toPermsRule(text).perms,
  }).safeParse(content);
  if (!file.success) throw refuse(tell(file.error.issues));
  const request = JobRequest.safeParse(candidate(file.data, beside));
  if (!request.success) throw refuse(tell(request.error.issues.map(inFile)));
  return request.data;
}

/** The issue with the path that the thing has in the file. */
const inFile = (issue: z.core.$ZodIssue): z.core.$ZodIssue => {
  const [part, field, ...rest] = issue.path;
  const key = part === "keep" ? keepKeys[String(field)] : undefined;
  return key === undefined
    ? issue
    : { ...issue, path: ["keep", key, ...rest.filter((each) => typeof each === "number")] };
};

const refuse = (faults: readonly string[]) =>
  new WinnowError("request.invalid", faults.join("\n"), "docs/job-file.md lists every key of a job file.");

function candidate({ image, pull, tags, keep, ...rest }: JobFile, beside: Beside): unknown {
  return {
    ...rest,
    kind: beside.kind,
    image: beside.image ?? image,
    pull: beside.pull ? "if-absent" : pull,
    tags: beside.tags.length > 0 ? beside.tags : tags,
    keep: {
      ...keep,
      includeReported: beside.reported,
      ...(beside.keep === undefined ? {} : { profile: beside.keep }),
    },
  };
}

/** What makes the text no YAML, or more than one document of it. */
function syntaxFaults(document: Document.Parsed): { at: number; text: string }[] {
  const broken = [...document.errors, ...document.warnings].map(({ pos, code, message }) => ({
    at: pos[0],
    text: code === "MULTIPLE_DOCS" ? "a second document starts here; a job file holds one job" : message,
  }));
  visit(document, {
    Alias(_key, alias) {
      if (!alias.resolve(document))
        broken.push({ at: alias.range?.[0] ?? 0, text: `*${alias.source}: no &${alias.source} stands before it` });
    },
  });
  return broken;
}

/** The value of the document. Throws for aliases that would grow without end. */
function toPlain(document: Document, start: string): unknown {
  try {
    return document.toJS();
  } catch (thrown) {
    throw refuse([`${start}: ${thrown instanceof Error ? thrown.message : String(thrown)}`]);
  }
}

/** An environment is text: `1.10`, `0755` and `1e3` are what they look like, not the numbers that YAML reads. */
function keepSpelling(document: Document): void {
  const scenarios = childOf(document, document.contents, "scenarios");
  for (const scenario of isSeq(scenarios) ? scenarios.items : []) {
    const env = childOf(document, scenario, "env");
    if (!isMap(env)) continue;
    for (const { value } of env.items) {
      if (isScalar(value) && value.source !== undefined && ["number", "boolean"].includes(typeof value.value))
        value.value = value.source;
    }
  }
}

/** What stands under a key or an index, aliases resolved. */
function childOf(document: Document, parent: unknown, key: PropertyKey): unknown {
  const child = isSeq(parent) ? parent.items[Number(key)] : pairOf(parent, key)?.value;
  return isAlias(child) ? child.resolve(document) : child;
}

const pairOf = (node: unknown, key: PropertyKey) =>
  isMap(node) ? node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key) : undefined;

type Fault = { path: readonly PropertyKey[]; key?: string; text: string };

/** One fault for each thing that is wrong: an unknown key is one of its own. */
function faultsOf(issue: z.core.$ZodIssue, content: unknown): Fault[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const texts = issue.message.split("\n");
    return issue.keys.map((key, index) => ({ path, key, text: texts[index] ?? issue.message }));
  }
  const value = path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key],
    content,
  ); // a path that zod walked
  if (value === undefined && issue.code === "invalid_type") return [{ path, text: "is missing" }];
  const text = issue.code === "invalid_type" ? `must be ${wordOf(issue.expected)}` : issue.message;
  if (value === null) return [{ path, text: `${text}; nothing stands here` }];
  const isSaid = typeof value === "object" || (issue.code === "custom" && !text.startsWith("write "));
  return [{ path, text: isSaid ? text : `${text}, not ${JSON.stringify(value)}` }];
}

const words: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};
const wordOf = (expected: string): string => words[expected] ?? expected;

/** `scenarios[0].env.A: `, or nothing for the file itself. */
function named(path: readonly PropertyKey[], key: string | undefined): string {
  const whole = key === undefined ? path : [...path, key];
  const text = whole.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  return text === "" ? "" : `${text.replace(/^\./, "")}: `;
}

/** Where the thing stands, or the nearest that it should stand in. */
function offsetOf(document: Document, path: readonly PropertyKey[], key: string | undefined): number {
  let node: unknown = document.contents;
  for (const part of path) {
    const child = childOf(document, node, part);
    if (child === undefined || child === null) break;
    node = child;
  }
  const at = key === undefined ? node : (pairOf(node, key)?.key ?? node);
  return isNode(at) ? (at.range?.[0] ?? 0) : 0;
}

import { Readable, Transform } from "node:stream";
import { text } from "node:stream/consumers";
import { createGunzip, createGzip } from "node:zlib";
import { pieceRedactor, textRedactor } from "#contract/redact.ts";
import { Report } from "#contract/report.ts";
import type { ArtifactSink } from "./deps.ts";
import { redactJson, redactReport } from "./report/redact.ts";

type Content = Readable | Buffer | string;

/** Lists of paths and profiles: they come from the image, and whoever reads them must find its paths in them. */
const exact = new Set(["files.jsonl", "seccomp.json", "apparmor.profile", "Dockerfile.reversed"]);

/** The same sink for artifacts of a job whose request holds secrets (contract/redact.ts): they are gone before anything is stored. */
export function redactingSink(sink: ArtifactSink, secrets: readonly string[]): ArtifactSink {
  if (secrets.length === 0) return sink;
  return {
    put: async (name, content) => sink.put(name, exact.has(name) ? content : await clean(name, content, secrets)),
  };
}

async function clean(name: string, content: Content, secrets: readonly string[]): Promise<Content> {
  if (name === "report.json") return json(redactReport(Report.parse(JSON.parse(await wholeText(content)))));
  if (name === "graph.json") return piped(content, commandRedactor(secrets));
  if (name.endsWith(".json")) return json(redactJson(JSON.parse(await wholeText(content)), textRedactor(secrets)));
  if (name.endsWith(".gz")) return piped(content, createGunzip(), redactBytes(secrets), createGzip());
  return piped(content, redactBytes(secrets));
}

const json = (document: unknown): string => `${JSON.stringify(document, null, 2)}\n`;

const wholeText = (content: Content): Promise<string> =>
  content instanceof Readable ? text(content) : Promise.resolve(content.toString());

/** As `pipe`, but a fault anywhere is a fault of what comes out. */
function piped(content: Content, ...steps: (Transform | ReturnType<typeof createGzip>)[]): Readable {
  const source = content instanceof Readable ? content : Readable.from([Buffer.from(content)]);
  return steps.reduce<Readable>((from, step) => {
    from.once("error", (error) => step.destroy(error));
    step.once("close", () => from.destroy());
    return from.pipe(step);
  }, source);
}

/** Takes secrets out of bytes as they pass, also one that lies across the border of two chunks. */
export function redactBytes(secrets: readonly string[]): Transform {
  const redactor = pieceRedactor(secrets);
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) =>
      done(null, Buffer.from(redactor.push(chunk.toString("latin1")), "latin1")),
    flush: (done) => done(null, Buffer.from(redactor.end(), "latin1")),
  });
}

/** The graph has one item in each line; only processes, by their `argv`, hold what a request can have brought. */
function commandRedactor(secrets: readonly string[]): Transform {
  const redact = textRedactor(secrets);
  const decoder = new TextDecoder();
  let held = "";
  const line = (one: string): string => (one.includes('"argv":') ? redact(one) : one);
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      const lines = (held + decoder.decode(chunk, { stream: true })).split("\n");
      held = lines.pop() ?? "";
      done(null, lines.map((one) => `${line(one)}\n`).join(""));
    },
    flush: (done) => done(null, line(held + decoder.decode())),
  });
}

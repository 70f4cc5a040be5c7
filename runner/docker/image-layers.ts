import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { z } from "zod";
import { WinnowError } from "#contract/error.ts";
import { decodeBytes } from "../sensor/byte-text.ts";
import { calling } from "./errors.ts";
import type { ImageDeps } from "./images.ts";

/** The layers of an image, the oldest first: paths of what each one brought, and the steps that made them (`empty`: no layer). */
export type ImageLayers = { layers: string[][]; history: { createdBy: string; isEmpty: boolean }[] };

const Manifest = z.array(z.looseObject({ Config: z.string(), Layers: z.array(z.string()).nullable() })).min(1);
const Config = z.looseObject({
  history: z
    .array(z.looseObject({ created_by: z.string().default(""), empty_layer: z.boolean().default(false) }))
    .default([]),
});

/** No config or manifest is longer. */
const maxDocumentBytes = 16 << 20;
/** Entries of all layers together; an image with more is refused. */
const maxEntries = 5_000_000;

type Archive = { documents: Map<string, string>; layers: Map<string, string[]>; links: Map<string, string> };

/**
 * Reads the whole archive of an image (`docker save`, of either image store), names and headers only. It takes as long as the
 * image is large. Throws `image.unsupported` for layers whose compression is not known.
 */
export async function readLayers({ engine, signal }: ImageDeps, id: string): Promise<ImageLayers> {
  return calling("reading an image's layers", signal, async () => {
    const stream = (await engine.docker.getImage(id).get()) as Readable; // an http.IncomingMessage
    const abort = () => stream.destroy(new Error("aborted"));
    signal.addEventListener("abort", abort);
    try {
      return layersOf(await readArchive(stream));
    } finally {
      signal.removeEventListener("abort", abort);
      stream.destroy();
    }
  });
}

/** The layers in the order of the manifest; older engines write a layer that stands twice as a link. */
export function layersOf({ documents, layers, links }: Archive): ImageLayers {
  const [manifest] = Manifest.parse(JSON.parse(documents.get("manifest.json") ?? "null"));
  const config = Config.parse(JSON.parse(documents.get(manifest?.Config ?? "") ?? "{}"));
  return {
    layers: (manifest?.Layers ?? []).map((name) => {
      const paths = layers.get(name) ?? layers.get(links.get(name) ?? "");
      if (paths) return paths;
      throw new WinnowError(
        "image.unsupported",
        `The layer ${name} of the image cannot be read.`,
        "Leave out the rules that go by layers, or pull the image with an engine that unpacks it.",
      );
    }),
    history: config.history.map((step) => ({ createdBy: step.created_by, isEmpty: step.empty_layer })),
  };
}

/** Every part of the archive, by what it holds: JSON, or a layer, plain or compressed with gzip. */
export async function readArchive(stream: Readable): Promise<Archive> {
  const archive: Archive = { documents: new Map(), layers: new Map(), links: new Map() };
  const outer = extract();
  stream.on("error", (error) => outer.destroy(error));
  stream.pipe(outer);
  let entries = 0;
  const count = () => {
    entries += 1;
    if (entries > maxEntries) throw new Error(`the layers have more than ${maxEntries} entries`);
  };
  for await (const entry of outer) {
    const { name, type, size = 0, linkname } = entry.header;
    if (type === "symlink" && linkname) archive.links.set(name, linkname.replace(/^\.\.\//, ""));
    if (type !== "file" || size === 0) {
      entry.resume();
      continue;
    }
    const { head, rest } = await peeked(entry as unknown as AsyncIterable<Buffer>); // of tar-stream's own stream class
    const isGzip = head[0] === 0x1f && head[1] === 0x8b;
    const isTar = head.subarray(257, 262).toString("latin1") === "ustar" || head.every((byte) => byte === 0);
    if (isGzip || isTar) archive.layers.set(name, await pathsIn(isGzip ? unzipped(rest) : rest, count));
    else if ((head[0] === 0x7b || head[0] === 0x5b) && size <= maxDocumentBytes)
      archive.documents.set(name, await textOf(rest));
    else rest.resume();
  }
  return archive;
}

/** The first block of an entry, and all of it again. Both fail when the archive ends within it. */
async function peeked(entry: AsyncIterable<Buffer>): Promise<{ head: Buffer; rest: Readable }> {
  const chunks = entry[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let isOver = false;
  while (head.length < 512 && !isOver) {
    const next = await chunks.next();
    if (next.done) isOver = true;
    else head = Buffer.concat([head, next.value]);
  }
  const whole = async function* () {
    yield head;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  };
  return { head: head.subarray(0, 512), rest: Readable.from(whole(), { objectMode: false }) };
}

/** What was compressed; it fails as its source does. */
const unzipped = (stream: Readable): Readable => pipeline(stream, createGunzip(), () => {});

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer); // binary streams
  return Buffer.concat(chunks).toString("utf8");
}

/** Absolute paths of the entries of a layer. What it takes away (whiteouts) is none of it. */
async function pathsIn(stream: Readable, count: () => void): Promise<string[]> {
  const inner = extract({ filenameEncoding: "latin1" } as object); // typed as if it had no options
  stream.on("error", (error) => inner.destroy(error));
  stream.pipe(inner);
  const paths: string[] = [];
  for await (const entry of inner) {
    count();
    const path = `/${nameOf(entry.header)}`.replace(/^\/(?:\.\/)*/, "/").replace(/(?<=.)\/+$/, "");
    if (!/(?:^|\/)\.wh\.[^/]*$/.test(path) && path !== "/" && path !== "/.") paths.push(path);
    entry.resume();
  }
  return paths;
}

/** Names of headers are bytes; those of pax records are text already. */
const nameOf = ({ name, pax }: Header): string =>
  (pax as { path?: string } | null)?.path !== undefined ? name : decodeBytes(Buffer.from(name, "latin1"));

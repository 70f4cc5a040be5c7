import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** Longer lines are no lines of ours: a path has at most 4,096 bytes, a chain of reasons at most 32 links. */
const maxLineLength = 1 << 20;

export type KeptFile = { path: string; bytes: number };

/** The entries that a slim image has, from the `files.jsonl` of its job. What is no line of ours is passed over. */
export async function* keptFiles(source: Readable): AsyncGenerator<KeptFile> {
  for await (const line of linesOf(source)) {
    const entry = parseLine(line);
    if (entry?.kept === true && typeof entry.path === "string" && typeof entry.size === "number")
      yield { path: entry.path, bytes: entry.size };
  }
}

async function* linesOf(source: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let [rest, isTooLong] = ["", false];
  for await (const piece of source) {
    const [first = "", ...more] = (rest + decoder.write(piece)).split("\n");
    let line = first;
    for (const next of more) {
      if (!isTooLong) yield line;
      isTooLong = false;
      line = next;
    }
    isTooLong ||= line.length > maxLineLength;
    rest = isTooLong ? "" : line;
  }
  if (rest !== "") yield rest;
}

function parseLine(line: string): { path?: unknown; size?: unknown; kept?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

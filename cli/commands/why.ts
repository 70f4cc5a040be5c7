import { text } from "node:stream/consumers";
import { findJob, jobNotFound } from "#api/db/find-job.ts";
import { WinnowError } from "#contract/error.ts";
import { FileLine, Graph, graphSchemaVersion } from "#contract/graph.ts";
import { type GraphReader, readGraph } from "#runner/report/graph-read.ts";
import { openArtifact } from "../artifact.ts";
import { linesOf } from "../lines.ts";
import { isStateEmpty, openState, type State } from "../state.ts";
import { answer } from "../why/answer.ts";
import { type Followed, follow, type Lookup } from "../why/follow.ts";
import { nearNames } from "../why/near.ts";
import { whyText } from "../why/text.ts";
import type { World } from "../world.ts";

/**
 * `winnow why JOB PATH`: why an entry of the image was kept, or why not. Exit code 0 when it could be told. Throws
 * `entry.not-found` for a path that the image does not have, `job.not-found`, `request.invalid`.
 */
export async function showWhy(
  jobText: string,
  asked: string,
  { stdout }: World,
  { statePath, json }: { statePath: string; json: boolean },
): Promise<number> {
  if (isStateEmpty(statePath)) throw jobNotFound(jobText);
  if (!asked.startsWith("/")) throw notAbsolute(asked);
  const state = openState(statePath);
  try {
    const jobId = findJob(state.db, jobText);
    const reader = await loadGraph(state, jobId);
    const found = await findEntry(state, jobId, asked);
    if (!found.entry) throw await entryNotFound(state, jobId, asked, found.missing ?? asked);
    const why = answer(asked, found, found.entry, reader);
    stdout.write(`${json ? JSON.stringify(why, null, 2) : whyText(why)}\n`);
    return 0;
  } finally {
    state.db.close();
  }
}

async function loadGraph(state: State, jobId: string): Promise<GraphReader> {
  const parsed = Graph.safeParse(JSON.parse(await text(await openArtifact(state, jobId, "graph.json"))));
  if (parsed.success) return readGraph(parsed.data);
  throw new WinnowError(
    "store.failed",
    `The file graph of ${jobId} is none of schema version ${graphSchemaVersion}.`,
    "Read it with the version of Winnow that wrote it.",
    parsed.error,
  );
}

/** Finds an entry by its path, or by the path as Winnow prints it, with escapes for what no terminal shows. */
async function findEntry(state: State, jobId: string, asked: string): Promise<Followed> {
  const lookup: Lookup = async (paths) => {
    const found = new Map<string, FileLine>();
    for await (const { path, line } of fileLines(state, jobId))
      if (paths.has(path)) found.set(path, FileLine.parse(JSON.parse(line)));
    return found;
  };
  const found = await follow(asked, lookup);
  const plain = unescaped(asked);
  return found.entry || plain === asked ? found : await follow(plain, lookup);
}

/** Each line of the list with its path; only what is asked for is worth a whole look. */
async function* fileLines(state: State, jobId: string): AsyncGenerator<{ path: string; line: string }> {
  for await (const line of linesOf(await openArtifact(state, jobId, "files.jsonl"))) {
    const { path } = JSON.parse(line) as { path: string }; // a line of ours
    yield { path, line };
  }
}

const unescaped = (path: string): string =>
  path.replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4}))/g, (_, byte: string | undefined, unit: string | undefined) =>
    unit === undefined ? fromByte(Number.parseInt(byte ?? "", 16)) : String.fromCharCode(Number.parseInt(unit, 16)),
  );

/** Winnow prints controls so, the last of which is 0x9f; above it somebody means a byte that is not UTF-8. */
const fromByte = (byte: number): string => String.fromCharCode(byte < 0xa0 ? byte : 0xdc00 + byte);

async function entryNotFound(state: State, jobId: string, asked: string, missing: string): Promise<WinnowError> {
  const near = nearNames(missing);
  for await (const { path } of fileLines(state, jobId)) near.consider(path);
  const best = near.best();
  const where = missing === asked ? "" : ` (it leads to ${missing})`;
  return new WinnowError(
    "entry.not-found",
    `${asked}${where} is not in the image.`,
    best.length > 0 ? `Near it: ${best.join(", ")}.` : "List what is: winnow report JOB --files kept, or removed.",
  );
}

function notAbsolute(asked: string): WinnowError {
  return new WinnowError("request.invalid", `${JSON.stringify(asked)} is no absolute path.`, "Begin it with a slash.");
}

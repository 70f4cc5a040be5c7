import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { findJob, jobNotFound } from "#api/db/find-job.ts";
import { WinnowError } from "#contract/error.ts";
import { FileLine, Graph, graphSchemaVersion } from "#contract/graph.ts";
import { type GraphReader, readGraph } from "#runner/report/graph-read.ts";
import { openArtifact } from "../artifact.ts";
import type { Client } from "../client.ts";
import { findServerJob } from "../follow-job.ts";
import { linesOf } from "../lines.ts";
import { isStateEmpty, openState } from "../state.ts";
import { answer } from "../why/answer.ts";
import { type Followed, follow, type Lookup } from "../why/follow.ts";
import { nearNames } from "../why/near.ts";
import { whyText } from "../why/text.ts";
import type { World } from "../world.ts";

/** A job, and its artifacts by name. */
type Job = { id: string; open(name: "graph.json" | "files.jsonl"): Promise<Readable> };

type Asked = { path: string; json: boolean; world: Pick<World, "stdout"> };

/**
 * `winnow why JOB PATH`: why an entry of the image was kept, or why not. Exit code 0 when it could be told. Throws
 * `entry.not-found` for a path that the image does not have, `job.not-found`, `request.invalid`.
 */
export async function showWhy(
  jobText: string,
  { statePath, ...asked }: Asked & { statePath: string },
): Promise<number> {
  if (isStateEmpty(statePath)) throw jobNotFound(jobText);
  const state = openState(statePath);
  try {
    const id = findJob(state.db, jobText);
    return await explain({ id, open: (name) => openArtifact(state, id, name) }, asked);
  } finally {
    state.db.close();
  }
}

/** `winnow why JOB PATH --server`: the same of a job of the server. */
export async function showServerWhy(
  jobText: string,
  { client, ...asked }: Asked & { client: Client },
): Promise<number> {
  const id = await findServerJob(client, jobText);
  const open = async (name: string) => Readable.fromWeb(await client.open(`/jobs/${id}/artifacts/${name}`));
  return await explain({ id, open }, asked);
}

async function explain(job: Job, { path, json, world }: Asked): Promise<number> {
  if (!path.startsWith("/")) throw notAbsolute(path);
  const reader = await loadGraph(job);
  const found = await findEntry(job, path);
  if (!found.entry) throw await entryNotFound(job, path, found.missing ?? path);
  const why = answer(path, found, found.entry, reader);
  world.stdout.write(`${json ? JSON.stringify(why, null, 2) : whyText(why)}\n`);
  return 0;
}

async function loadGraph({ id, open }: Job): Promise<GraphReader> {
  const parsed = Graph.safeParse(JSON.parse(await text(await open("graph.json"))));
  if (parsed.success) return readGraph(parsed.data);
  throw new WinnowError(
    "store.failed",
    `The file graph of ${id} is none of schema version ${graphSchemaVersion}.`,
    "Read it with the version of Winnow that wrote it.",
    parsed.error,
  );
}

/** Finds an entry by its path, or by the path as Winnow prints it, with escapes for what no terminal shows. */
async function findEntry(job: Job, asked: string): Promise<Followed> {
  const lookup: Lookup = async (paths) => {
    const found = new Map<string, FileLine>();
    for await (const { path, line } of fileLines(job))
      if (paths.has(path)) found.set(path, FileLine.parse(JSON.parse(line)));
    return found;
  };
  const found = await follow(asked, lookup);
  const plain = unescaped(asked);
  return found.entry || plain === asked ? found : await follow(plain, lookup);
}

/** Each line of the list with its path; only what is asked for is worth a whole look. */
async function* fileLines({ open }: Job): AsyncGenerator<{ path: string; line: string }> {
  for await (const line of linesOf(await open("files.jsonl"))) {
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

async function entryNotFound(job: Job, asked: string, missing: string): Promise<WinnowError> {
  const near = nearNames(missing);
  for await (const { path } of fileLines(job)) near.consider(path);
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

import { StringDecoder } from "node:string_decoder";
import { setTimeout as delay } from "node:timers/promises";
import { isOver } from "#api/db/state-of.ts";
import type { Client } from "../client.ts";
import { escapeControl } from "../escape.ts";
import { findServerJob, patiently, readServerJob } from "../follow-job.ts";
import { toTextLine } from "../log.ts";
import type { World } from "../world.ts";

const lookMs = 500;

type Options = { client: Client; world: World; isFollowed: boolean; json: boolean };

/** `winnow logs JOB`: the log of its newest attempt; with `-f` of every attempt from the newest on, until the job has ended. */
export async function showLog(text: string, { client, world, isFollowed, json }: Options): Promise<number> {
  const id = await findServerJob(client, text);
  const tell = (line: string) => void world.stderr.write(`${escapeControl(line)}\n`);
  const printer = linePrinter(world, json);
  let [shown, from] = [0, 0];
  for (;;) {
    // Asked before the log: what it had when it ended is in the log then.
    const job = await patiently(() => readServerJob(client, id), tell);
    const attempt = job.history.at(-1)?.number ?? 0;
    if (attempt !== shown) {
      if (shown > 0) tell(`attempt ${attempt} of ${id}`);
      [shown, from] = [attempt, 0];
      printer.end();
    }
    if (attempt > 0) {
      const query = isFollowed ? `attempt=${attempt}&follow=1&from=${from}` : `attempt=${attempt}`;
      const stream = await patiently(() => client.open(`/jobs/${id}/log?${query}`), tell);
      from += await copy(stream, printer.write);
    }
    if (!isFollowed || isOver(job.state)) break;
    await delay(lookMs);
  }
  printer.end();
  return 0;
}

/** Gives how many bytes came. A stream that breaks is one that has ended: whoever follows asks for what is missing. */
async function copy(stream: ReadableStream<Uint8Array>, write: (chunk: Uint8Array) => void): Promise<number> {
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      write(chunk);
      bytes += chunk.length;
    }
  } catch (thrown) {
    if (bytes === 0) await delay(lookMs);
    else if (!(thrown instanceof Error)) throw thrown;
  }
  return bytes;
}

/** Whole lines, as stored or as a person reads them; what an image wrote cannot steer the terminal. */
function linePrinter({ stdout }: World, json: boolean) {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const print = (line: string) => stdout.write(`${json ? line : readable(line)}\n`);
  return {
    write: (chunk: Uint8Array) => {
      const lines = `${rest}${decoder.write(Buffer.from(chunk))}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) print(line);
    },
    end: () => {
      if (rest !== "") print(rest);
      rest = "";
    },
  };
}

function readable(line: string): string {
  try {
    return toTextLine(line);
  } catch {
    return escapeControl(line); // the mark of a cut, or what is no line of ours
  }
}

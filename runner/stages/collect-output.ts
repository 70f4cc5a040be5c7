import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { isDoneWithin } from "../probes/time-limit.ts";

/** What is kept of a container's output, bytes. */
const keptBytes = 4 << 20;

type Output = {
  /** All that came until now. */
  taken(): Buffer;
  /** Waits for the end of the streams, at most `withinMs`: engines tell of the end of a process on another connection. */
  ended(withinMs: number): Promise<void>;
};

/** Reads streams to their end, keeps the first bytes of them in the order they came, and passes each chunk on as it comes. */
export function collectOutput(streams: readonly Readable[], onText: (text: string) => void): Output {
  // The stream of a container that is being removed breaks; what it said until then counts.
  const ends = streams.map((stream) => finished(stream, { writable: false }).catch(() => {}));
  const chunks: Buffer[] = [];
  let room = keptBytes;
  for (const stream of streams) {
    stream.on("data", (chunk: Buffer) => {
      onText(chunk.toString("utf8"));
      if (room <= 0) return;
      chunks.push(chunk.subarray(0, room));
      room -= chunk.length;
    });
  }
  return {
    taken: () => Buffer.concat(chunks),
    ended: async (withinMs) => void (await isDoneWithin(Promise.all(ends), withinMs)),
  };
}

import type { Readable } from "node:stream";

/** What is kept of a container's output, bytes. */
const keptBytes = 4 << 20;

/** Reads streams to their end, keeps the first bytes of them in the order they came, and passes each chunk on as it comes. */
export function collectOutput(streams: readonly Readable[], onText: (text: string) => void): { taken(): Buffer } {
  const chunks: Buffer[] = [];
  let room = keptBytes;
  for (const stream of streams) {
    stream.on("data", (chunk: Buffer) => {
      onText(chunk.toString("utf8"));
      if (room <= 0) return;
      chunks.push(chunk.subarray(0, room));
      room -= chunk.length;
    });
    stream.on("error", () => {
      // The stream of a container that is being removed breaks; what it said until then counts.
    });
  }
  return { taken: () => Buffer.concat(chunks) };
}

import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { StoredObject } from "./store.ts";

/** A string or Buffer is one chunk; `Readable.from` would hand out a Buffer byte by byte. */
export function toStream(content: Readable | Buffer | string): Readable {
  return content instanceof Readable ? content : Readable.from([Buffer.from(content)]);
}

/** Bytes on their way: `stream` ends as its source does, and once it has ended, `seen()` tells what went through. */
export function measured(source: Readable): { stream: Readable; seen(): StoredObject } {
  const digest = createHash("sha256");
  let bytes = 0;
  async function* pass(): AsyncGenerator<Buffer> {
    for await (const piece of source) {
      const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(piece);
      digest.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  return {
    stream: Readable.from(pass(), { objectMode: false }),
    seen: () => ({ bytes, sha256: digest.digest("hex") }),
  };
}

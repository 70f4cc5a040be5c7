import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { WinnowError } from "#contract/error.ts";
import { measured } from "./content.ts";
import type { Store } from "./store.ts";

export type Expected = { name: string; bytes: number; sha256: string };

/**
 * The bytes of `source`, which end in `artifact.mismatch` when they are not those that were offered: so what is stored of them is
 * whole and right, or not there. `confirm` is called once they were seen to be right, before they end, and may throw too.
 */
export function exactly(source: Readable, { name, bytes, sha256 }: Expected, confirm: () => void): Readable {
  async function* pass(): AsyncGenerator<Buffer> {
    const digest = createHash("sha256");
    let seen = 0;
    for await (const piece of source) {
      const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(piece);
      seen += chunk.length;
      if (seen > bytes) throw mismatch(name, `there are more than its ${bytes} bytes`);
      digest.update(chunk);
      yield chunk;
    }
    if (seen < bytes) throw mismatch(name, `there are ${seen} bytes of ${bytes}`);
    if (digest.digest("hex") !== sha256) throw mismatch(name, "its SHA-256 is another one");
    confirm();
  }
  return Readable.from(pass(), { objectMode: false });
}

/**
 * Checks that the store has exactly these bytes under this key. It reads them only when the store itself has no digest of them.
 * Throws `artifact.mismatch`, and `store.failed` when the store does not answer.
 */
export async function assertStored(store: Store, key: string, { name, bytes, sha256 }: Expected): Promise<void> {
  const found = await store.stat(key);
  if (!found) throw mismatch(name, "nothing is there");
  if (found.bytes !== bytes) throw mismatch(name, `there are ${found.bytes} bytes of ${bytes}`);
  if ((found.sha256 ?? (await digestOf(store, key))) !== sha256) throw mismatch(name, "its SHA-256 is another one");
}

async function digestOf(store: Store, key: string): Promise<string> {
  const { stream, seen } = measured(await store.get(key));
  for await (const _ of stream); // counted on the way
  return seen().sha256;
}

/** For bytes that are not those that were offered. */
export function mismatch(name: string, why: string): WinnowError {
  return new WinnowError(
    "artifact.mismatch",
    `What came of ${name} is not what was offered: ${why}.`,
    "Send it again.",
  );
}

import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { Logger } from "pino";
import { LogAnswer, maxLogChunkBytes } from "#contract/service/runner-protocol.ts";
import type { AttemptCalls } from "./attempt-calls.ts";
import { type Pace, pause, pauseAfter } from "./back-off.ts";
import { isWorthRetrying, Refusal } from "./refusal.ts";

export type LogUpload = {
  /** Sends what has come to the file. A failure is left for the next time. */
  pump(): Promise<void>;
  /** Sends the rest of a file that grows no more, from `from` on when the server says so. Throws why the lease was lost. */
  complete(from?: number): Promise<{ bytes: number; sha256: string }>;
};

/**
 * Sends the job's log, an open file, by byte offset. Nothing is kept but the offset: what the server wants again is read again.
 */
export function logUpload(
  file: FileHandle,
  { calls, log, pace, lost }: { calls: AttemptCalls; log: Logger; pace: Pace; lost: AbortSignal },
): LogUpload {
  let next = 0;
  let sending: Promise<void> | undefined;

  /** One chunk; false when there is none. Throws what the call did, but a gap only when it leads nowhere. */
  const sendChunk = async (): Promise<boolean> => {
    const bytes = await readChunk(file, next);
    if (bytes.length === 0) return false;
    const before = next;
    const headers = { "content-type": "application/octet-stream" };
    try {
      const call = { method: "PATCH", path: `/log?offset=${before}`, bytes, headers } as const;
      next = (await calls.once(call, LogAnswer)).next;
    } catch (thrown) {
      if (!(thrown instanceof Refusal) || thrown.status !== 416 || thrown.logNext === null) throw thrown;
      next = thrown.logNext;
      if (next === before) throw thrown; // it wants what it does not take
    }
    // Beyond the chunk: the server had it from a call whose answer was lost. Beyond the file is nothing that it can have.
    if (next <= before + bytes.length || next <= (await file.stat()).size) return true;
    next = before;
    throw new Refusal(strange(before), {});
  };

  const sendAll = async (): Promise<void> => {
    while (await sendChunk());
  };
  const pump = async (): Promise<void> => {
    sending ??= sendAll().finally(() => {
      sending = undefined;
    });
    await sending.catch((thrown: unknown) => log.debug({ err: thrown }, "the job's log could not be sent now"));
  };
  const complete = async (from = next): Promise<{ bytes: number; sha256: string }> => {
    await pump();
    next = from;
    for (let failed = 0; ; ) {
      lost.throwIfAborted();
      try {
        if (!(await sendChunk())) return await measure(file);
        failed = 0;
      } catch (thrown) {
        lost.throwIfAborted();
        const isGap = thrown instanceof Refusal && thrown.status === 416;
        if (!isGap && !isWorthRetrying(thrown)) throw thrown;
        failed += 1;
        await pause(pauseAfter(failed, pace), thrown, lost);
      }
    }
  };
  return { pump, complete };
}

const strange = (offset: number) =>
  ({
    code: "log.gap",
    message: `The server wants a part of the log that is not there (after offset ${offset}).`,
    hint: "It is asked again.",
  }) as const;

async function readChunk(file: FileHandle, offset: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(maxLogChunkBytes), 0, maxLogChunkBytes, offset);
  return buffer.subarray(0, bytesRead);
}

async function measure(file: FileHandle): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  for (let bytes = 0; ; ) {
    const chunk = await readChunk(file, bytes);
    if (chunk.length === 0) return { bytes, sha256: hash.digest("hex") };
    hash.update(chunk);
    bytes += chunk.length;
  }
}

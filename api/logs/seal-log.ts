import { Readable } from "node:stream";
import { artifactKey } from "../store/key.ts";
import type { Store, StoredObject } from "../store/store.ts";
import { type AttemptLogs, LogGap } from "./attempt-logs.ts";

/** The artifact that an attempt's log becomes. */
export const logName = "job.log";

/**
 * Copies the log into the store when it is whole, and gives what was stored. The file stays: the caller drops it once the database
 * leads to the copy, so that a failure in between loses nothing and the same call works again.
 *
 * `declared` is what the runner says that it sent. Throws `LogGap` while bytes are missing. When there are others than it sent, the
 * file is emptied and the gap begins at 0: only the runner knows the right ones. The digest of a log that was cut cannot be checked.
 */
export async function sealLog(
  { logs, store }: { logs: AttemptLogs; store: Store },
  { jobId, attempt }: { jobId: string; attempt: number },
  declared: StoredObject,
): Promise<StoredObject & { key: string }> {
  const found = await logs.stat(jobId, attempt);
  const there = found ?? { bytes: 0, next: 0, isCut: false };
  if (declared.bytes > there.next && !there.isCut) throw missing(jobId, attempt, declared.bytes, there.next);
  const isLonger = there.bytes > declared.bytes && !there.isCut;
  if (!isLonger) {
    const key = artifactKey(jobId, attempt, logName);
    const stored = await copy(store, key, found ? await logs.read(jobId, attempt) : Readable.from([]));
    if (there.isCut ? declared.bytes > there.next : stored.sha256 === declared.sha256) return { key, ...stored };
  }
  await logs.drop(jobId, attempt);
  throw new LogGap(`The log of attempt ${attempt} of ${jobId} is not the one that was sent.`, 0);
}

async function copy(store: Store, key: string, content: Readable): Promise<StoredObject> {
  try {
    return await store.put(key, content);
  } finally {
    content.destroy(); // a store that failed may not have touched it
  }
}

function missing(jobId: string, attempt: number, wanted: number, next: number): LogGap {
  return new LogGap(
    `Of the ${wanted} bytes of the log of attempt ${attempt} of ${jobId} only the first ${next} are here.`,
    next,
  );
}

import { mkdirSync } from "node:fs";
import { type FileHandle, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { WinnowError } from "#contract/error.ts";
import { codeOf, isFull, unlessMissing } from "../file-fault.ts";
import type { ByteRange } from "../store/store.ts";
import { inTurn } from "./in-turn.ts";

/** `bytes` counts the line that marks a cut; `next` is the offset that is wanted. */
export type LogState = { bytes: number; next: number; isCut: boolean };

export type LocalLog = { jobId: string; attempt: number; bytes: number; changedAt: number };

/** Logs of attempts at work: one file each, on the server's own disk. Bytes are those that the runner sent, whatever they are. */
export type AttemptLogs = {
  /**
   * Writes a chunk that begins at `offset`, and gives the offset that is wanted next. What is there already is passed over, so a
   * chunk may come twice. Throws `log.gap` when bytes before it are missing, `lease.lost` when what is there differs, `disk.full`.
   *
   * Beyond `maxBytes` everything is taken and dropped, and the log ends in a line that says so.
   */
  append(jobId: string, attempt: number, offset: number, chunk: Buffer): Promise<number>;
  /** Undefined for an attempt that has no log here: it sent none yet, or its log was sealed. */
  stat(jobId: string, attempt: number): Promise<LogState | undefined>;
  /** Bytes so far; undefined as for `stat`. */
  size(jobId: string, attempt: number): Promise<number | undefined>;
  /** The bytes, or those of the range that are there. Throws `artifact.not-found` when the attempt has no log here. */
  read(jobId: string, attempt: number, range?: ByteRange): Promise<Readable>;
  /** Removes the file, if there is one. */
  drop(jobId: string, attempt: number): Promise<void>;
  /** All that lie here, also those of attempts that ended. */
  list(): Promise<LocalLog[]>;
};

/** A stage says some kilobytes; what says more than this is an application in a loop. */
export const maxLogBytes = 64 << 20;

/** The line that a log ends in whose rest was dropped. */
export function cutMark(maxBytes: number): Buffer {
  return Buffer.from(`\n[winnow] This log was cut: what follows its first ${maxBytes} bytes was not kept.\n`);
}

/** Keeps logs in `directory`, which is made when it is not there. One process only: it holds the order of writes in memory. */
export function attemptLogs(directory: string, { maxBytes = maxLogBytes } = {}): AttemptLogs {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const mark = cutMark(maxBytes);
  const fileOf = (jobId: string, attempt: number) => join(directory, nameOf(jobId, attempt));
  const takeTurn = inTurn();
  const stateOf = (bytes: number): LogState => ({
    bytes,
    next: Math.min(bytes, maxBytes),
    isCut: bytes > maxBytes,
  });
  const statOf = async (jobId: string, attempt: number) => {
    const path = fileOf(jobId, attempt);
    const found = await guarded(jobId, () => unlessMissing(stat(path)));
    return found && stateOf(found.size);
  };
  return {
    async append(jobId, attempt, offset, chunk) {
      const path = fileOf(jobId, attempt);
      return await takeTurn(path, () => guarded(jobId, () => withFile(path, write)));
      async function write(file: FileHandle): Promise<number> {
        const { bytes, next } = stateOf((await file.stat()).size);
        const end = offset + chunk.length;
        if (offset > next && next < maxBytes) throw logGap(jobId, attempt, next);
        const known = chunk.subarray(0, Math.max(0, next - offset));
        if (!(await holds(file, offset, known))) throw otherBytes(jobId, attempt, offset);
        if (next < maxBytes) await writeAll(file, chunk.subarray(known.length, Math.max(0, maxBytes - offset)), next);
        if (end > maxBytes && bytes < maxBytes + mark.length) await writeAll(file, mark, maxBytes);
        return Math.max(next, end);
      }
    },
    stat: statOf,
    size: async (jobId, attempt) => (await statOf(jobId, attempt))?.bytes,
    async read(jobId, attempt, range) {
      const path = fileOf(jobId, attempt);
      const file = await guarded(jobId, () => unlessMissing(open(path, "r")));
      if (!file) throw noLog(jobId, attempt);
      return file.createReadStream({ ...range });
    },
    async drop(jobId, attempt) {
      const path = fileOf(jobId, attempt);
      await takeTurn(path, () => guarded(jobId, () => rm(path, { force: true })));
    },
    async list() {
      const logs = (await readdir(directory)).map(async (name) => {
        const found = refOf(name);
        const file = found && (await unlessMissing(stat(join(directory, name))));
        return file && { ...found, bytes: file.size, changedAt: Math.floor(file.mtimeMs) };
      });
      return (await Promise.all(logs)).filter((log) => log !== undefined);
    },
  };
}

/** For a chunk, or an end, that lacks what was sent before: `next` is the offset that is wanted. */
export class LogGap extends WinnowError {
  readonly next: number;
  constructor(message: string, next: number) {
    super("log.gap", message, `Send the log again from byte ${next}.`);
    this.next = next;
  }
}

function logGap(jobId: string, attempt: number, next: number): LogGap {
  return new LogGap(`Of the log of attempt ${attempt} of ${jobId} only the first ${next} bytes are here.`, next);
}

/**
 * Two processes write one attempt, or one does not know what it wrote: the server cannot tell which of them holds the lease by right.
 * `lease.lost` makes the writer give up; the lease then runs out and the job is tried again.
 */
function otherBytes(jobId: string, attempt: number, offset: number): WinnowError {
  return new WinnowError(
    "lease.lost",
    `The log of attempt ${attempt} of ${jobId} has other bytes at ${offset} than those that were sent now.`,
    "Another process works on the same attempt: see that no two runners share one state directory.",
  );
}

function noLog(jobId: string, attempt: number): WinnowError {
  return new WinnowError(
    "artifact.not-found",
    `There is no log of attempt ${attempt} of ${jobId}.`,
    "It sent none yet, or it ended: then its log is the artifact `job.log`.",
  );
}

function nameOf(jobId: string, attempt: number): string {
  const name = `${jobId}.${attempt}.log`;
  if (refOf(name)) return name;
  throw noLog(JSON.stringify(jobId), attempt);
}

function refOf(name: string): { jobId: string; attempt: number } | undefined {
  const [, jobId, attempt] = /^(job_[0-9a-z]{1,40})\.([1-9][0-9]{0,5})\.log$/.exec(name) ?? [];
  return jobId && attempt ? { jobId, attempt: Number(attempt) } : undefined;
}

async function withFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await openForUpdate(path);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/** Not mode "a", which would ignore positions, nor "w+", which would empty the file. */
async function openForUpdate(path: string): Promise<FileHandle> {
  return (await unlessMissing(open(path, "r+"))) ?? (await open(path, "wx+", 0o600));
}

async function holds(file: FileHandle, offset: number, wanted: Buffer): Promise<boolean> {
  const found = Buffer.alloc(wanted.length);
  for (let done = 0; done < found.length; ) {
    const { bytesRead } = await file.read(found, done, found.length - done, offset + done);
    if (bytesRead === 0) return false;
    done += bytesRead;
  }
  return found.equals(wanted);
}

/** One write may take only a part: on a disk that is nearly full it does. */
async function writeAll(file: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

async function guarded<T>(jobId: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof WinnowError) throw thrown;
    const code = codeOf(thrown);
    const noRoom = isFull(code);
    throw new WinnowError(
      noRoom ? "disk.full" : "store.failed",
      noRoom ? `There is no room for the log of ${jobId}.` : `The log of ${jobId} could not be kept: ${code}.`,
      "Look at the rights, the room and the health of the server's state directory.",
      thrown,
    );
  }
}

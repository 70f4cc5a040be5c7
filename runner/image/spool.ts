import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { WinnowError } from "#contract/error.ts";
import type { Layer } from "./archive.ts";

/** A layer up to this size stays in memory: most slim images never touch the runner's disk. */
const memoryBytes = 256 << 20;

/**
 * Takes a layer's tar, counts and hashes it on its way, and gives it back: the archive needs size and digest before the
 * first byte. Held in memory, from `memoryLimit` on in a file of `directory`. `dispose` when done, in `finally`.
 */
export class LayerSpool extends Writable {
  readonly #directory: string;
  readonly #memoryLimit: number;
  readonly #hash = createHash("sha256");
  #chunks: Buffer[] = [];
  #bytes = 0;
  #path: string | undefined;
  #file: FileHandle | undefined;

  constructor(directory: string, memoryLimit = memoryBytes) {
    super({ highWaterMark: 1 << 20 });
    this.#directory = directory;
    this.#memoryLimit = memoryLimit;
    this.on("error", () => {}); // seen by whoever writes, and by `layer`
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#memoryLimit) {
      this.#chunks.push(Buffer.from(chunk)); // a copy: the writer may use its buffer again
      done();
      return;
    }
    this.#spill(chunk).then(
      () => done(),
      (error: unknown) => done(diskError(error)),
    );
  }

  async #spill(chunk: Buffer): Promise<void> {
    if (!this.#file) {
      await mkdir(this.#directory, { recursive: true });
      this.#path = join(this.#directory, `winnow-layer-${randomUUID()}.tar`);
      this.#file = await open(this.#path, "wx", 0o600);
      for (const held of this.#chunks) await writeAll(this.#file, held);
      this.#chunks = [];
    }
    await writeAll(this.#file, chunk);
  }

  /** Ends the writing and names what was written. Throws what the writing threw, `disk.full` among it. */
  async layer(): Promise<Layer> {
    if (this.errored) throw this.errored;
    if (!this.writableEnded) this.end();
    if (!this.writableFinished) await finished(this);
    const path = this.#path;
    const chunks = this.#chunks;
    return {
      digest: `sha256:${this.#hash.digest("hex")}`,
      bytes: this.#bytes,
      open: () =>
        path === undefined
          ? Readable.from(chunks, { objectMode: false })
          : createReadStream(path, { highWaterMark: 1 << 20 }),
    };
  }

  /** Lets go of memory and file. May be called more than once. */
  async dispose(): Promise<void> {
    this.destroy();
    this.#chunks = [];
    await this.#file?.close();
    this.#file = undefined;
    if (this.#path !== undefined) await rm(this.#path, { force: true });
  }
}

async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
}

function diskError(thrown: unknown): Error {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = "code" in error ? error.code : undefined;
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new WinnowError(
    "disk.full",
    "No space was left in the runner's temporary directory for the slim layer.",
    "Free space there, or choose another directory.",
    error,
  );
}

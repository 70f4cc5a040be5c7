import { PassThrough, type Readable, Writable } from "node:stream";
import { WinnowError } from "#contract/error.ts";

const headerBytes = 8;

export type Outputs = { stdout: Readable; stderr: Readable };

/**
 * Splits the engine's attached stream into the two outputs it carries. Frame: u8 stream (0 and 1 stdout, 2 stderr, 3 an error
 * of the engine), three zero bytes, u32 big-endian length, payload (engine API, ContainerAttach).
 *
 * Not the client's own demuxStream: that one holds whole frames and writes on without waiting, so a slow reader of a fat
 * image's files would make it hold all of them. Here the source waits until both readers have taken what is theirs: read both
 * outputs, or `resume()` the one that does not matter. A reader may destroy its output; the rest of it is then dropped.
 */
export function demultiplex(source: Readable): Outputs {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  // Whoever reads an output gets its error; the one that nobody reads must not end the process.
  stdout.on("error", () => {});
  stderr.on("error", () => {});
  const splitter = new FrameSplitter(stdout, stderr);
  splitter.on("error", (error) => {
    stdout.destroy(error);
    stderr.destroy(error);
    source.destroy();
  });
  source.on("error", (error) => splitter.destroy(error));
  source.on("close", () => {
    if (!source.readableEnded && !splitter.destroyed) splitter.end();
  });
  source.pipe(splitter);
  return { stdout, stderr };
}

/** The same for a terminal: one stream, without frames. */
export function passThrough(source: Readable): Outputs {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  stdout.on("error", () => {});
  source.on("error", (error) => stdout.destroy(error));
  source.on("close", () => stdout.end());
  source.pipe(stdout);
  stderr.end();
  return { stdout, stderr };
}

class FrameSplitter extends Writable {
  readonly #stdout: PassThrough;
  readonly #stderr: PassThrough;
  readonly #header = Buffer.alloc(headerBytes);
  #headerFilled = 0;
  #payloadLeft = 0;

  constructor(stdout: PassThrough, stderr: PassThrough) {
    super();
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#split(chunk).then(() => done(), done);
  }

  async #split(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      if (this.#payloadLeft === 0) {
        const taken = chunk.copy(this.#header, this.#headerFilled, at, at + headerBytes - this.#headerFilled);
        at += taken;
        this.#headerFilled += taken;
        if (this.#headerFilled === headerBytes) this.#openFrame();
        continue;
      }
      const payload = chunk.subarray(at, at + this.#payloadLeft);
      at += payload.length;
      this.#payloadLeft -= payload.length;
      await give(this.#header[0] === 2 ? this.#stderr : this.#stdout, payload);
    }
  }

  #openFrame(): void {
    this.#headerFilled = 0;
    this.#payloadLeft = this.#header.readUInt32BE(4);
    const [stream = 0, ...zeros] = this.#header.subarray(0, 4);
    if (stream <= 2 && zeros.every((byte) => byte === 0)) return;
    throw new WinnowError(
      "docker.failed",
      stream === 3
        ? "The engine broke the attached stream off with an error of its own."
        : `The attached stream has a frame that starts with ${this.#header.toString("hex")}.`,
      "See the engine's own log for the cause.",
    );
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#payloadLeft > 0 || this.#headerFilled > 0) {
      done(
        new WinnowError(
          "docker.unavailable",
          "The engine stopped answering in the middle of a container's output.",
          "Check that the engine runs, then try again.",
        ),
      );
      return;
    }
    this.#stdout.end();
    this.#stderr.end();
    done();
  }
}

/** Writes and waits until the reader wants more, or has gone. */
function give(output: PassThrough, payload: Buffer): Promise<void> | undefined {
  if (output.destroyed || output.write(payload)) return undefined;
  return new Promise((resolve) => {
    const go = (): void => {
      output.off("drain", go);
      output.off("close", go);
      resolve();
    };
    output.on("drain", go);
    output.on("close", go);
  });
}

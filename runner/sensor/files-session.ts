import type { Readable, Writable } from "node:stream";
import { parseIndex, type Rootfs } from "../rootfs.ts";
import { decodeBytes, encodeBytes, unescapeText } from "./byte-text.ts";
import { frameReader, headSize } from "./frames.ts";

/** What could not be answered in full. `reason` is an errno name, `socket`, `shrunk` or `xattr-name`. */
export type Problem = { reason: string; path: string };

export type Index = { rootfs: Rootfs; umount: string; unreadable: number; problems: Problem[] };
export type Packed = { entries: number; bytes: number; missing: number; damaged: number; problems: Problem[] };

/** A running `sensor files`. Calls may overlap; they are answered in order. When the stream fails, every open call rejects. */
export type FilesSession = {
  index(): Promise<Index>;
  /** The bytes of a regular file, or undefined when there is none. Rejects for anything else, with the errno name as `code`. */
  read(path: string, offset?: number, length?: number): Promise<Buffer | undefined>;
  /** Writes a tar of exactly these entries, in this order, to `sink`; does not end it. */
  pack(paths: Iterable<string>, sink: Writable): Promise<Packed>;
  /** Path to SHA-256 in hex. Files that cannot be read are left out. */
  hash(paths: Iterable<string>): Promise<Map<string, string>>;
  /** Ends the server. Resolves when its output has ended. */
  close(): Promise<void>;
};

/** An open call. `data` may return a promise: nothing more is read until it settles. */
type Pending = {
  data: (bytes: Buffer) => Promise<void> | undefined;
  end: (text: string) => void;
  fail: (error: Error) => void;
};

const toTheEnd = 0xffffffff;

function request(op: string, id: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(headSize);
  head.write(op, 0, "latin1");
  head.writeUInt32LE(id, 1);
  head.writeUInt32LE(payload.length, 5);
  return Buffer.concat([head, payload]);
}

function pathList(paths: Iterable<string>): Buffer {
  const parts: Buffer[] = [];
  for (const path of paths) parts.push(encodeBytes(`${path}\0`));
  return Buffer.concat(parts);
}

/** `key=value key=value`, then a line for each problem. */
function parseEnd(text: string): { fields: Map<string, string>; problems: Problem[] } {
  const [summary = "", ...lines] = text.split("\n");
  const fields = new Map(summary.split(" ").map((item) => item.split("=") as [string, string])); // always one `=`
  const problems = lines.filter(Boolean).map((line) => {
    const [reason = "", path = ""] = line.split("\t");
    return { reason, path: unescapeText(path) };
  });
  return { fields, problems };
}

/** The server's refusal of one request: `ENOENT: No such file or directory`. */
function refusal(text: string): Error {
  return Object.assign(new Error(`The sensor answered ${text}.`), { code: text.split(":")[0] });
}

/** Waits until the sink takes more. Rejects when it is closed or broken. */
function writeTo(sink: Writable, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/** Speaks to a `sensor files` over its stdin and stdout. The streams belong to the session until `close`. */
export function openFilesSession({ stdin, stdout }: { stdin: Writable; stdout: Readable }): FilesSession {
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let failure: Error | undefined;

  function fail(what: string, cause?: unknown): void {
    failure ??= new Error(what, { cause });
    for (const call of pending.values()) call.fail(failure);
    pending.clear();
  }

  /** Sends one request and collects its answer through `data`; resolves with the text of the end frame. */
  function ask(op: string, payload: Buffer, data: Pending["data"]): Promise<string> {
    return new Promise((resolve, reject) => {
      if (failure) {
        reject(failure);
        return;
      }
      lastId += 1;
      pending.set(lastId, { data, end: resolve, fail: reject });
      stdin.write(request(op, lastId, payload));
    });
  }

  async function answer(id: number, kind: number, payload: Buffer): Promise<void> {
    const call = pending.get(id);
    if (!call) return; // given up, because its sink failed
    if (kind === 0) {
      try {
        await call.data(payload);
      } catch (error) {
        pending.delete(id);
        call.fail(new Error(`Writing what the sensor packed failed: ${String(error)}`, { cause: error }));
      }
      return;
    }
    pending.delete(id);
    if (kind === 1) call.end(decodeBytes(payload));
    else call.fail(refusal(decodeBytes(payload)));
  }

  async function readAnswers(): Promise<void> {
    const read = frameReader();
    try {
      // Taking chunks one by one is the back-pressure: while a sink is full nothing is read.
      for await (const chunk of stdout) {
        for (const { head, payload } of read(chunk as Buffer))
          await answer(head.readUInt32LE(0), head.readUInt8(4), payload);
      }
      fail("The sensor's output ended.");
    } catch (error) {
      fail(`The sensor's output failed: ${String(error)}`, error);
    }
  }

  stdin.on("error", (error) => fail(`The sensor's input failed: ${String(error)}`, error));
  const finished = readAnswers();

  async function collect(op: string, payload: Buffer): Promise<{ bytes: Buffer; text: string }> {
    const chunks: Buffer[] = [];
    const text = await ask(op, payload, (bytes) => void chunks.push(bytes));
    return { bytes: Buffer.concat(chunks), text };
  }

  return {
    async index() {
      const { bytes, text } = await collect("I", Buffer.alloc(0));
      const { fields, problems } = parseEnd(text);
      const umount = fields.get("umount") ?? "none";
      return { rootfs: parseIndex(decodeBytes(bytes)), umount, unreadable: Number(fields.get("unreadable")), problems };
    },

    async read(path, offset = 0, length = toTheEnd) {
      const range = Buffer.alloc(12);
      range.writeBigUInt64LE(BigInt(offset));
      range.writeUInt32LE(length, 8);
      try {
        const { bytes } = await collect("R", Buffer.concat([range, encodeBytes(path)]));
        return bytes;
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw error;
      }
    },

    async pack(paths, sink) {
      let broken: Error | undefined;
      const note = (error: Error) => {
        broken = error;
      };
      sink.on("error", note);
      try {
        const text = await ask("P", pathList(paths), (bytes) => writeTo(sink, bytes));
        if (broken) throw broken;
        const { fields, problems } = parseEnd(text);
        const count = (name: string) => Number(fields.get(name));
        return {
          entries: count("entries"),
          bytes: count("bytes"),
          missing: count("missing"),
          damaged: count("damaged"),
          problems,
        };
      } finally {
        sink.off("error", note);
      }
    },

    async hash(paths) {
      const list = [...paths];
      const { bytes } = await collect("H", pathList(list));
      const zeros = "0".repeat(64);
      const digests = list.map((path, i): [string, string] => [path, bytes.toString("hex", i * 32, i * 32 + 32)]);
      return new Map(digests.filter(([, digest]) => digest !== zeros));
    },

    async close() {
      stdin.end();
      await finished;
    },
  };
}

import { Duplex, type Readable, type Writable } from "node:stream";
import { frameReader, headSize } from "./frames.ts";

/** A listening TCP socket in the relay's network namespace. */
export type Listener = { family: "tcp" | "tcp6"; address: string; port: number; uid: number };

/** Space of the file system that holds the relay's own root, in bytes: `available` to anyone, of `total`. */
export type DiskSpace = { available: number; total: number };

/** A running `sensor relay`. When its stream fails, open calls reject and connections are destroyed with the reason. */
export type Relay = {
  listeners(): Promise<Listener[]>;
  freeBytes(): Promise<DiskSpace>;
  /** A TCP connection to an IPv4 or IPv6 literal. Rejects with the errno name as `code`. */
  connect(address: string, port: number): Promise<RelayConnection>;
  /** Destroys what is open and ends the relay. Resolves when its output has ended. */
  close(): Promise<void>;
};

const window = 256 * 1024; // bytes of a connection under way in each direction, not yet acknowledged; as in sensor/relay.h
const maxPayload = 64 * 1024;
const acknowledgeFrom = 64 * 1024; // fewer frames than one for each chunk, and the peer never runs dry

type Send = (op: string, stream: number, payload?: Buffer, done?: () => void) => void;

function frame(op: string, stream: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(headSize + payload.length);
  bytes.write(op, 0, "latin1");
  bytes.writeUInt32LE(stream, 1);
  bytes.writeUInt32LE(payload.length, 5);
  payload.copy(bytes, headSize);
  return bytes;
}

function codeError(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

/**
 * One TCP connection through the relay, with back-pressure and half-close: enough of a socket for `createConnection` of
 * node:http and `socket` of node:tls.
 */
export class RelayConnection extends Duplex {
  readonly #send: Send;
  readonly #id: number;
  #credit = window;
  #owed = 0;
  #isOver = false;
  #hasEnded = false;
  #waiting: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timeoutMs = 0;

  constructor(id: number, send: Send) {
    super({ allowHalfOpen: true });
    this.#id = id;
    this.#send = send;
    // The error of a connection that breaks at once comes before its owner could listen; `errored` still has it.
    this.on("error", () => {});
  }

  /** The relay's frames; called by the relay only. */
  receive(op: string, payload: Buffer): void {
    this.#touch();
    if (op === "d") {
      this.#owed += payload.length;
      if (this.push(payload)) this.#acknowledge();
    } else if (op === "w") {
      this.#credit += payload.readUInt32LE(0);
      this.#waiting?.();
    } else if (op === "e") {
      this.#hasEnded = true;
      this.push(null);
    } else if (op === "c") {
      this.#isOver = true;
      this.#closed(payload.toString());
    }
  }

  #closed(code: string): void {
    const error = code ? codeError(`The connection broke: ${code}.`, code) : undefined;
    // What the peer said before it stopped listening (a refusal of a long body) is read before the error is told.
    if (error && this.#hasEnded && !this.readableEnded) this.once("end", () => this.destroy(error));
    else if (error || !this.writableFinished) this.destroy(error);
  }

  /** No further frames can come. */
  cut(error: Error): void {
    this.#isOver = true;
    this.destroy(error);
  }

  override _read(): void {
    this.#acknowledge();
  }

  #acknowledge(): void {
    if (this.#isOver || this.#owed < acknowledgeFrom) return;
    const payload = Buffer.alloc(4);
    payload.writeUInt32LE(this.#owed);
    this.#owed = 0;
    this.#send("W", this.#id, payload);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#touch();
    if (chunk.length === 0) {
      done();
      return;
    }
    if (this.#credit === 0) {
      this.#waiting = () => {
        this.#waiting = undefined;
        this._write(chunk, _encoding, done);
      };
      return;
    }
    const size = Math.min(chunk.length, this.#credit, maxPayload);
    this.#credit -= size;
    const rest = chunk.subarray(size);
    this.#send("D", this.#id, chunk.subarray(0, size), () =>
      rest.length ? this._write(rest, _encoding, done) : done(),
    );
  }

  override _final(done: () => void): void {
    if (!this.#isOver) this.#send("E", this.#id);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    if (!this.#isOver) this.#send("C", this.#id);
    this.#waiting = undefined;
    done(error);
  }

  #touch(): void {
    if (this.#timeoutMs === 0 || this.destroyed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.emit("timeout"), this.#timeoutMs);
  }

  /** As net.Socket: emits `timeout` after so many milliseconds without traffic; 0 turns it off. */
  setTimeout(timeoutMs: number, callback?: () => void): this {
    clearTimeout(this.#timer);
    this.#timeoutMs = timeoutMs;
    if (callback) this.once("timeout", callback);
    this.#touch();
    return this;
  }

  // What node:http calls on any socket; the relay's sockets have it so already, or it does not matter for them.
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

function parseListeners(text: string): Listener[] {
  const lines = text.split("\n").filter(Boolean);
  return lines.map((line) => {
    const [family, address = "", port, uid] = line.split(" ");
    return { family: family === "tcp6" ? "tcp6" : "tcp", address, port: Number(port), uid: Number(uid) };
  });
}

function parseSpace(text: string): DiskSpace {
  const [available, total] = text.split(" ").map(Number);
  if (available === undefined || total === undefined) throw new Error(`The relay told its disk space as "${text}".`);
  return { available, total };
}

type Call = { resolve: (payload: Buffer) => void; reject: (error: Error) => void };

/** Speaks to a `sensor relay` over its stdin and stdout. The streams belong to the relay until `close`. */
export function openRelay({ stdin, stdout }: { stdin: Writable; stdout: Readable }): Relay {
  const calls = new Map<number, Call>();
  const connections = new Map<number, RelayConnection>();
  const read = frameReader();
  let lastId = 0;
  let failure: Error | undefined;

  const send: Send = (op, stream, payload = Buffer.alloc(0), done) => {
    if (!failure) stdin.write(frame(op, stream, payload), (error) => error ?? done?.());
  };

  function fail(what: string, cause?: unknown): void {
    if (failure) return;
    failure = new Error(what, { cause });
    for (const call of calls.values()) call.reject(failure);
    for (const connection of connections.values()) connection.cut(failure);
    calls.clear();
    connections.clear();
  }

  function ask(op: string, id: number, payload?: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (failure) {
        reject(failure);
        return;
      }
      calls.set(id, { resolve, reject });
      send(op, id, payload);
    });
  }

  function take(op: string, id: number, payload: Buffer): void {
    const call = calls.get(id);
    if (call) {
      calls.delete(id);
      if (op !== "x") call.resolve(payload);
      else {
        connections.delete(id);
        const text = payload.toString();
        call.reject(codeError(`The relay answered ${text}.`, text.split(":")[0] ?? ""));
      }
      return;
    }
    connections.get(id)?.receive(op, payload);
    if (op === "c") connections.delete(id);
  }

  // Always reading: what a connection's consumer does not take is bounded by its window.
  stdout.on("data", (chunk: Buffer) => {
    for (const { head, payload } of read(chunk))
      take(String.fromCharCode(head.readUInt8(0)), head.readUInt32LE(1), payload);
  });
  const ended = new Promise<void>((resolve) => {
    const end = (error?: Error) => {
      fail(error ? `The relay's output failed: ${String(error)}` : "The relay's output ended.", error);
      resolve();
    };
    stdout.on("error", end).on("end", end).on("close", end);
  });
  stdin.on("error", (error) => fail(`The relay's input failed: ${String(error)}`, error));

  return {
    async listeners() {
      lastId += 1;
      return parseListeners((await ask("L", lastId)).toString());
    },

    async freeBytes() {
      lastId += 1;
      return parseSpace((await ask("F", lastId)).toString());
    },

    async connect(address, port) {
      lastId += 1;
      const id = lastId;
      const connection = new RelayConnection(id, send);
      if (!failure) connections.set(id, connection); // before the answer: the first data may come in the same chunk
      try {
        await ask("O", id, Buffer.from(`${address} ${port}`));
      } catch (error) {
        connections.delete(id);
        throw error;
      }
      return connection;
    },

    async close() {
      for (const connection of connections.values()) connection.destroy();
      stdin.end();
      await ended;
    },
  };
}

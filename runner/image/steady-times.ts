import { Transform, type TransformCallback } from "node:stream";
import { decodeBytes } from "../sensor/byte-text.ts";
import { isEngineMade } from "./engine-made.ts";

const blockBytes = 512;

/** Permission bits and numeric owner, as a header says them. */
type Permission = { mode: number; uid: number; gid: number };

/** A pax header is taken into memory whole; xattrs and long names stay far below this. */
const longestPax = 4 << 20;

/**
 * Makes the layer's tar independent of the container it was taken from. When an engine creates a container it writes mount
 * points into /etc and a few other places, so their mtime is that of the container: whatever of them is younger than
 * `latest` (seconds, when the image was created) gets `latest`. Entries with a permission of the job's get that, too. All other
 * bytes pass untouched. Fails on what is no tar.
 */
export class SteadyTimes extends Transform {
  readonly #latest: number;
  readonly #permissions: ReadonlyMap<string, Permission>;
  /** Of the block that is being filled. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** How much must be together before it can be looked at. */
  #wanted = blockBytes;
  #passBytes = 0;
  #pax: { header: Buffer; records: Buffer } | undefined;
  #paxHeader: Buffer | undefined;
  #ended = false;

  constructor(latest: number, permissions: ReadonlyMap<string, Permission> = new Map()) {
    super();
    this.#latest = latest;
    this.#permissions = permissions;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#take(chunk);
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }

  override _flush(done: TransformCallback): void {
    done(this.#pendingBytes > 0 || this.#passBytes > 0 ? new Error("the layer's tar ends within an entry") : null);
  }

  #take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#ended || this.#passBytes > 0) {
        const taken = this.#ended ? chunk.length - at : Math.min(this.#passBytes, chunk.length - at);
        this.push(chunk.subarray(at, at + taken));
        if (!this.#ended) this.#passBytes -= taken;
        at += taken;
        continue;
      }
      const part = chunk.subarray(at, at + this.#wanted - this.#pendingBytes);
      this.#pending.push(part);
      this.#pendingBytes += part.length;
      at += part.length;
      if (this.#pendingBytes < this.#wanted) continue;
      const whole = Buffer.concat(this.#pending);
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#look(whole);
    }
  }

  /** A header, or the records of the pax header before it. */
  #look(bytes: Buffer): void {
    if (this.#paxHeader) {
      this.#pax = { header: this.#paxHeader, records: bytes };
      this.#paxHeader = undefined;
      this.#wanted = blockBytes;
      return;
    }
    if (bytes.every((byte) => byte === 0)) {
      this.#ended = true;
      this.push(bytes);
      return;
    }
    const size = readNumber(bytes, 124, 12);
    const padded = Math.ceil(size / blockBytes) * blockBytes;
    if (bytes[156] === 0x78) {
      if (padded === 0 || padded > longestPax) throw new Error(`the layer's tar has a pax header of ${size} bytes`);
      this.#paxHeader = bytes;
      this.#wanted = padded;
      return;
    }
    this.#entry(bytes);
    this.#passBytes = padded;
  }

  #entry(header: Buffer): void {
    const pax = this.#pax;
    this.#pax = undefined;
    const records = pax ? readPax(pax.records.subarray(0, readNumber(pax.header, 124, 12))) : [];
    const recorded = records.find(({ key }) => key === "path")?.value;
    const path = `/${decodeBytes(recorded ?? nameOf(header)).replace(/\/+$/, "")}`;
    const permission = this.#permissions.get(path);
    const isSteady = !isEngineMade(path) || timeOf(header, records) <= this.#latest;
    if (isSteady && !permission) {
      if (pax) this.push(Buffer.concat([pax.header, pax.records]));
      this.push(header);
      return;
    }
    const told = [...(isSteady ? [] : ["mtime"]), ...(permission ? ["uid", "gid"] : [])];
    const kept = Buffer.concat([
      ...records.filter(({ key }) => !told.includes(key)).map(({ raw }) => raw),
      ...(permission ? ownerRecords(permission) : []),
    ]);
    if (kept.length > 0) this.push(paxWith(pax?.header ?? freshPaxHeader(), kept));
    const changed = Buffer.from(header);
    if (!isSteady) writeOctal(changed, 136, 12, this.#latest);
    if (permission) {
      writeOctal(changed, 100, 8, permission.mode);
      writeOctal(changed, 108, 8, Math.min(permission.uid, maxOctalId));
      writeOctal(changed, 116, 8, Math.min(permission.gid, maxOctalId));
    }
    this.push(signed(changed));
  }
}

/** The largest owner that a header itself can hold; for larger ones a record counts. */
const maxOctalId = 0o7777777;

const writeOctal = (header: Buffer, at: number, bytes: number, value: number): void => {
  header.write(`${value.toString(8).padStart(bytes - 1, "0")}\0`, at, "latin1");
};

const ownerRecords = ({ uid, gid }: Permission): Buffer[] =>
  Object.entries({ uid, gid }).flatMap(([key, value]) => (value > maxOctalId ? [paxRecord(key, String(value))] : []));

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length += 1;
  return Buffer.from(`${length}${rest}`, "latin1");
}

function freshPaxHeader(): Buffer {
  const header = Buffer.alloc(blockBytes);
  header.write("PaxHeaders/entry", 0, "latin1");
  writeOctal(header, 100, 8, 0o644);
  for (const at of [108, 116]) writeOctal(header, at, 8, 0);
  writeOctal(header, 136, 12, 0);
  header.write("x", 156, "latin1");
  header.write("ustar\u000000", 257, "latin1");
  return header;
}

/** A pax header with these records, padded to whole blocks. */
function paxWith(header: Buffer, records: Buffer): Buffer {
  const own = Buffer.from(header);
  writeOctal(own, 124, 12, records.length);
  const padding = Buffer.alloc((blockBytes - (records.length % blockBytes)) % blockBytes);
  return Buffer.concat([signed(own), records, padding]);
}

/** Octal text, or base 256 with the first bit set (GNU tar). */
function readNumber(header: Buffer, at: number, length: number): number {
  const field = header.subarray(at, at + length);
  if (((field[0] ?? 0) & 0x80) !== 0) return field.subarray(1).reduce((value, byte) => value * 256 + byte, 0);
  const text = field
    .toString("latin1")
    .replace(/[\0 ]+$/, "")
    .trim();
  const value = text === "" ? 0 : Number.parseInt(text, 8);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error("the layer's tar has a malformed header");
  return value;
}

const textOf = (field: Buffer): string => field.toString("latin1").replace(/\0.*$/s, "");

function nameOf(header: Buffer): Buffer {
  const name = textOf(header.subarray(0, 100));
  const isUstar = header.subarray(257, 263).toString("latin1") === "ustar\0";
  const prefix = isUstar ? textOf(header.subarray(345, 500)) : "";
  return Buffer.from(prefix === "" ? name : `${prefix}/${name}`, "latin1");
}

type PaxRecord = { key: string; value: Buffer; raw: Buffer };

function timeOf(header: Buffer, records: readonly PaxRecord[]): number {
  const recorded = records.find(({ key }) => key === "mtime")?.value.toString("latin1");
  return recorded === undefined ? readNumber(header, 136, 12) : Number(recorded);
}

/** `LENGTH KEY=VALUE\n` records (POSIX pax). */
function readPax(bytes: Buffer): PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString("latin1", at, blank));
    const raw = bytes.subarray(at, at + length);
    const equals = raw.indexOf(0x3d);
    if (blank < 0 || !(length > 0) || raw.length !== length || equals < 0)
      throw new Error("the layer's tar has a malformed pax header");
    records.push({ key: raw.toString("latin1", blank - at + 1, equals), value: raw.subarray(equals + 1, -1), raw });
    at += length;
  }
  return records;
}

/** Writes the checksum of a header anew. */
function signed(header: Buffer): Buffer {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

import { inflateRawSync } from "node:zlib";

const endMark = 0x06054b50;
const entryMark = 0x02014b50;
const endBytes = 22;
const maxEntries = 100_000;
const maxManifest = 1 << 20;
const maxClass = 1 << 20;
const maxClasses = 64 << 20;

/** The manifest of a jar; undefined when it has none or is no zip. Never fails, whatever the bytes (APPNOTE.TXT 4.3). */
export function manifestOf(jar: Buffer): string | undefined {
  for (const { name, at } of directoryOf(jar))
    if (/^META-INF\/MANIFEST\.MF$/i.test(name)) return memberAt(jar, at, maxManifest)?.toString("utf8");
  return undefined;
}

/** The classes of a jar that are its own, up to 64 MiB; not those of jars inside it. */
export function classesOf(jar: Buffer): Buffer[] {
  const found: Buffer[] = [];
  let bytes = 0;
  for (const { name, at } of directoryOf(jar)) {
    const member = name.endsWith(".class") ? memberAt(jar, at, maxClass) : undefined;
    if (member) found.push(member);
    bytes += member?.length ?? 0;
    if (bytes > maxClasses) break;
  }
  return found;
}

/** The entries of a zip's directory: names of members, and where their entries are. */
function* directoryOf(zip: Buffer): Generator<{ name: string; at: number }> {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0 || end + endBytes > zip.length || zip.readUInt32LE(end) !== endMark) return;
  let at = zip.readUInt32LE(end + 16);
  for (let i = 0; i < maxEntries && at + 46 <= zip.length && zip.readUInt32LE(at) === entryMark; i++) {
    const nameLength = zip.readUInt16LE(at + 28);
    yield { name: zip.toString("latin1", at + 46, at + 46 + nameLength), at };
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
}

/** The member that the directory entry at `entry` tells of; undefined when it is damaged or larger than `maxBytes`. */
function memberAt(zip: Buffer, entry: number, maxBytes: number): Buffer | undefined {
  const method = zip.readUInt16LE(entry + 10);
  const packed = zip.readUInt32LE(entry + 20);
  const header = zip.readUInt32LE(entry + 42);
  if (header + 30 > zip.length || packed > maxBytes) return undefined;
  const start = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
  const bytes = zip.subarray(start, start + packed);
  if (method === 0) return bytes;
  if (method !== 8) return undefined;
  try {
    return inflateRawSync(bytes, { maxOutputLength: maxBytes });
  } catch {
    return undefined;
  }
}

/** The jars and directories that a manifest's `Class-Path` names, relative to the jar's directory. */
export function classPathOf(manifest: string): string[] {
  const unfolded = manifest.replace(/\r?\n /g, "");
  const value = /^Class-Path:[ \t]*(.*)$/im.exec(unfolded)?.[1] ?? "";
  return value.split(/\s+/).flatMap((url) => {
    const path = url.replace(/^file:(?:\/\/)?/, "");
    return path === "" || /^\w+:/.test(path) ? [] : [decoded(path)];
  });
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}

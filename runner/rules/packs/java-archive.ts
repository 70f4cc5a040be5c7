import { inflateRawSync } from "node:zlib";

const endMark = 0x06054b50;
const entryMark = 0x02014b50;
const endBytes = 22;
const maxEntries = 100_000;
const maxManifest = 1 << 20;

/** The manifest of a jar; undefined when it has none or is no zip. Never fails, whatever the bytes (APPNOTE.TXT 4.3). */
export function manifestOf(jar: Buffer): string | undefined {
  const end = jar.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0 || end + endBytes > jar.length || jar.readUInt32LE(end) !== endMark) return undefined;
  let at = jar.readUInt32LE(end + 16);
  for (let i = 0; i < maxEntries && at + 46 <= jar.length && jar.readUInt32LE(at) === entryMark; i++) {
    const nameLength = jar.readUInt16LE(at + 28);
    const name = jar.toString("latin1", at + 46, at + 46 + nameLength);
    if (/^META-INF\/MANIFEST\.MF$/i.test(name)) return memberAt(jar, at);
    at += 46 + nameLength + jar.readUInt16LE(at + 30) + jar.readUInt16LE(at + 32);
  }
  return undefined;
}

/** Text of the member that the directory entry at `entry` tells of. */
function memberAt(jar: Buffer, entry: number): string | undefined {
  const method = jar.readUInt16LE(entry + 10);
  const packed = jar.readUInt32LE(entry + 20);
  const header = jar.readUInt32LE(entry + 42);
  if (header + 30 > jar.length || packed > maxManifest) return undefined;
  const start = header + 30 + jar.readUInt16LE(header + 26) + jar.readUInt16LE(header + 28);
  const bytes = jar.subarray(start, start + packed);
  if (method === 0) return bytes.toString("utf8");
  if (method !== 8) return undefined;
  try {
    return inflateRawSync(bytes, { maxOutputLength: maxManifest }).toString("utf8");
  } catch {
    return undefined; // damaged or larger than any manifest: the JVM would refuse it too
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

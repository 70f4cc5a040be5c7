import { compileGlob } from "../glob.ts";
import { decodeBytes } from "../sensor/byte-text.ts";

/** One line of `ldconfig -p`. `hwcap`: for some processors only, beside a plain entry of the same name. */
export type CacheEntry = { name: string; path: string; hwcap: boolean };

const magic = "glibc-ld.so.cache1.1";
const headerBytes = 48;
const entryBytes = 24;

/**
 * Reads /etc/ld.so.cache in the format of glibc 2.2 and later, alone or behind the older one (glibc sysdeps/generic/dl-cache.h).
 * Undefined when it is no such file; entries that point outside of it are left out.
 */
export function parseLdSoCache(file: Buffer): CacheEntry[] | undefined {
  const start = file.indexOf(magic, 0, "latin1");
  // The older format begins with this and holds the newer one behind its own table.
  if (start < 0 || (start > 0 && file.indexOf("ld.so-1.7.0", 0, "latin1") !== 0)) return undefined;
  const cache = file.subarray(start);
  if (cache.length < headerBytes) return undefined;
  // Before glibc 2.33 nothing says which byte order it is: the one in which the table fits into the file.
  const fits = (count: number) => headerBytes + count * entryBytes <= cache.length;
  const little = cache[28] === 2 || (cache[28] !== 3 && fits(cache.readUInt32LE(20)));
  const u32 = (at: number) => (little ? cache.readUInt32LE(at) : cache.readUInt32BE(at));
  const text = (at: number) => {
    const end = at < cache.length ? cache.indexOf(0, at) : -1;
    return end < 0 ? "" : decodeBytes(cache.subarray(at, end));
  };
  if (!fits(u32(20))) return undefined;
  return Array.from({ length: u32(20) }, (_, index) => {
    const at = headerBytes + index * entryBytes;
    return { name: text(u32(at + 4)), path: text(u32(at + 8)), hwcap: u32(at + 16) !== 0 || u32(at + 20) !== 0 };
  }).filter((entry) => entry.name !== "" && entry.path.startsWith("/"));
}

/**
 * The directories that ldconfig would search, in order: the lines of /etc/ld.so.conf and of the files that it includes.
 * @param contents texts of configuration files by path; an included file that is not among them counts as empty
 */
export function confDirectories(contents: ReadonlyMap<string, string>, from = "/etc/ld.so.conf"): string[] {
  const found = new Set<string>();
  const passed = new Set<string>();
  const read = (path: string) => {
    if (passed.has(path)) return;
    passed.add(path);
    for (const line of (contents.get(path) ?? "").split("\n")) {
      const text = line.replace(/#.*/, "").trim();
      const included = /^include\s+(.*)$/.exec(text)?.[1];
      if (included !== undefined) {
        for (const pattern of included.split(/\s+/)) {
          const matches = globOrNothing(pattern.startsWith("/") ? pattern : `/etc/${pattern}`);
          for (const each of [...contents.keys()].sort()) if (matches(each)) read(each);
        }
      } else if (text.startsWith("/")) {
        for (const directory of text.split(/[\s:,]+/))
          if (directory.startsWith("/")) found.add(directory.replace(/=.*/, ""));
      }
    }
  };
  read(from);
  return [...found];
}

/** The image wrote this pattern, not our user: a wrong one is no fault of the request and names no file. */
function globOrNothing(pattern: string): (path: string) => boolean {
  try {
    return compileGlob(pattern);
  } catch {
    return () => false;
  }
}

/** Names or paths of the libraries in /etc/ld.so.preload. */
export function parsePreload(text: string): string[] {
  return text
    .replace(/#.*/g, "")
    .split(/[\s:]+/)
    .filter((name) => name !== "");
}

/** Directories of musl's /etc/ld-musl-ARCH.path, separated by colons or line ends. */
export function parseMuslPath(text: string): string[] {
  return text.split(/[:\n]/).filter((directory) => directory.startsWith("/"));
}

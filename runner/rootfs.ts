import { posix } from "node:path";
import { unescapeText } from "./sensor/byte-text.ts";

export type EntryType = "file" | "directory" | "symlink" | "character" | "block" | "fifo" | "socket";

/** One item of an image's file tree. Text is as `decodeBytes` makes it. */
export type Entry = {
  /** Absolute, without a trailing slash; "/" is the root. */
  path: string;
  type: EntryType;
  /** Permission bits with set-id and sticky (07777). */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of a file or of a symbolic link's target; else 0. */
  size: number;
  /** Whole seconds; the rest is in `mtimeNs` (0..999999999). */
  mtime: number;
  mtimeNs: number;
  /** `device:inode`; two entries with the same one are hard links of one file. */
  inode: string;
  links: number;
  /** `major:minor` of a device. */
  rdev: string | undefined;
  /** Name to value in hex. */
  xattrs: ReadonlyMap<string, string>;
  /** Of a symbolic link, as stored. */
  target: string | undefined;
};

/** The flattened file tree of an image: absolute path to entry, "/" included, parents before children. */
export type Rootfs = ReadonlyMap<string, Entry>;

const types: Readonly<Record<string, EntryType>> = {
  f: "file",
  d: "directory",
  l: "symlink",
  c: "character",
  b: "block",
  p: "fifo",
  s: "socket",
};

const noXattrs: ReadonlyMap<string, string> = new Map();

function parseXattrs(field: string): ReadonlyMap<string, string> {
  if (field === "-") return noXattrs;
  return new Map(
    field.split(",").map((item) => {
      const equals = item.indexOf("=");
      return [unescapeText(item.slice(0, equals)), item.slice(equals + 1)];
    }),
  );
}

/** One line of `sensor files` index (docs/sensor-protocol.md). Throws when it is not one. */
export function parseIndexLine(line: string): Entry {
  const fields = line.split("\t");
  const [type = "", mode = "", uid, gid, size, mtime, mtimeNs, inode, links, rdev, xattrs, path, target] = fields;
  const entryType = types[type];
  if (fields.length !== 13 || !entryType || !inode || !xattrs || path?.[0] !== "/" || target === undefined) {
    throw new Error(`Not a line of an index: ${JSON.stringify(line.slice(0, 200))}`);
  }
  return {
    path: unescapeText(path),
    type: entryType,
    mode: Number.parseInt(mode, 8),
    uid: Number(uid),
    gid: Number(gid),
    size: Number(size),
    mtime: Number(mtime),
    mtimeNs: Number(mtimeNs),
    inode,
    links: Number(links),
    rdev: rdev === "-" ? undefined : rdev,
    xattrs: parseXattrs(xattrs),
    target: entryType === "symlink" ? unescapeText(target) : undefined,
  };
}

/** The whole index: decoded text, one entry per line. Throws on a line that is none. */
export function parseIndex(text: string): Rootfs {
  const rootfs = new Map<string, Entry>();
  let start = 0;
  for (let end = text.indexOf("\n"); end >= 0; start = end + 1, end = text.indexOf("\n", start)) {
    const entry = parseIndexLine(text.slice(start, end));
    rootfs.set(entry.path, entry);
  }
  if (start !== text.length) throw new Error("The index ends within a line.");
  return rootfs;
}

/** What a path leads to, or the path at which it ends, and every symbolic link that was followed on the way, in order. */
export type Resolved<E = Entry> = { path: string; links: string[]; entry: E } | { missing: string; links: string[] };

type Linked = { type: EntryType; target?: string | undefined };

const maxLinks = 40; // as the kernel

/** Not posix.join: a `..` behind something that does not exist must stay. */
function joined(directory: string, part: string, rest: readonly string[]): string {
  return [directory === "/" ? "" : directory, part, ...rest.filter(Boolean).reverse()].join("/");
}

/**
 * Follows all symbolic links of an absolute path inside the root, the last one too. `missing` is the canonical path of the
 * first part that does not exist (or that would have to be a directory and is none, or the link of a loop) plus the rest as given.
 */
export function resolvePath<E extends Linked = Entry>(rootfs: ReadonlyMap<string, E>, path: string): Resolved<E> {
  const links: string[] = [];
  const rest = path.split("/").reverse(); // the next part is the last item
  let at = "/";
  let needsDirectory = path.endsWith("/");
  for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
    if (part === "") continue;
    if (part === ".." || part === ".") {
      if (rootfs.get(at)?.type !== "directory") return { missing: joined(at, part, rest), links };
      if (part === "..") at = posix.dirname(at);
      continue;
    }
    const next = at === "/" ? `/${part}` : `${at}/${part}`;
    const entry = rootfs.get(next);
    if (!entry || (entry.target !== undefined && links.length === maxLinks)) {
      return { missing: joined(at, part, rest), links };
    }
    if (entry.target === undefined) {
      at = next;
      continue;
    }
    links.push(next);
    if (rest.every((part) => part === "")) needsDirectory ||= entry.target.endsWith("/");
    if (entry.target.startsWith("/")) at = "/";
    rest.push(...entry.target.split("/").reverse());
  }
  const entry = rootfs.get(at);
  const fits = !needsDirectory || entry?.type === "directory";
  return entry && fits ? { path: at, links, entry } : { missing: at, links };
}

const childrenByRootfs = new WeakMap<Rootfs, ReadonlyMap<string, readonly string[]>>();

/** Directory path to the names in it, in the order of the index. Built once for each rootfs. */
export function childrenOf(rootfs: Rootfs): ReadonlyMap<string, readonly string[]> {
  const known = childrenByRootfs.get(rootfs);
  if (known) return known;
  const children = new Map<string, string[]>();
  for (const { path, type } of rootfs.values()) {
    if (type === "directory" && !children.has(path)) children.set(path, []);
    if (path === "/") continue;
    const names = children.get(posix.dirname(path));
    if (names) names.push(posix.basename(path));
    else children.set(posix.dirname(path), [posix.basename(path)]);
  }
  childrenByRootfs.set(rootfs, children);
  return children;
}

/** Every path below a directory, parents before children; nothing when it is no directory. */
export function* below(rootfs: Rootfs, directory: string): Generator<string> {
  const children = childrenOf(rootfs);
  for (const name of children.get(directory) ?? []) {
    const path = directory === "/" ? `/${name}` : `${directory}/${name}`;
    yield path;
    yield* below(rootfs, path);
  }
}

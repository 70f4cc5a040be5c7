import { posix } from "node:path";
import type { Entry } from "../../rootfs.ts";
import type { Place } from "../place.ts";
import type { Wanted } from "../wanted.ts";
import { directoryAt, perPath } from "./gather.ts";
import { goPrograms } from "./go-binary.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { openedLibraries } from "./static-binary-libraries.ts";
import { isPrivateKey, isRuntime, isSystemDirectory } from "./system-paths.ts";
import { allZones } from "./time-zones.ts";
import { wholeDirectory } from "./tree.ts";

const maxProgramBytes = 48 << 20;
/** A directory beside the program that its code names is templates, pages, migrations; a larger one is data. */
const maxNamedBytes = 16 << 20;
const maxNames = 64;

/** Files that the libraries of Go, Rust and C open by a fixed path, when the program has that path in it. */
const systemFiles = [
  ..."services protocols nsswitch.conf host.conf gai.conf localtime timezone os-release machine-id debian_version".split(
    " ",
  ),
  "alpine-release",
  "redhat-release",
].map((name) => `/etc/${name}`);
const sharedFiles = [
  "/usr/lib/os-release",
  // Go takes types of files from there, and from mime.types only when these are absent.
  "/usr/share/mime/globs2",
  "/usr/local/share/mime/globs2",
];

/** The continents of zone names. */
const areas = [
  "Africa/",
  "America/",
  "Antarctica/",
  "Asia/",
  "Atlantic/",
  "Australia/",
  "Europe/",
  "Indian/",
  "Pacific/",
];

/** Directories of every system; their names are words that any program has in it. */
const notOurs =
  /^(?:root|home|srv|media|lost\+found|bin|lib\w*|usr|etc|var|opt|proc|test|tests|docs?|src|node_modules|vendor)$|^\./;

/** The start of an ELF file; undefined for other files. `isStatic`: no interpreter loads libraries for it. */
export function elfKind(bytes: Buffer): { isStatic: boolean } | undefined {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const isWide = bytes[4] === 2;
  const isLittle = bytes[5] !== 2;
  const short = (at: number) => (isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const word = (at: number) => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const table = isWide ? word(isLittle ? 0x20 : 0x24) : word(0x1c); // no table lies beyond 4 GiB
  const [size, count] = isWide ? [short(0x36), short(0x38)] : [short(0x2a), short(0x2c)];
  for (let i = 0; i < count && table + i * size + 4 <= bytes.length; i++) {
    if (word(table + i * size) === 3) return { isStatic: false }; // PT_INTERP
  }
  return { isStatic: true };
}

/** What the program reads besides, asked once a wave: searching tens of megabytes takes its time. */
const neededBy = perPath((path, context): Wanted[] => {
  const bytes = context.content(path, maxProgramBytes);
  const kind = bytes && elfKind(bytes);
  if (bytes === undefined || kind === undefined) return [];
  const files = [...systemFiles, ...sharedFiles].filter((name) => context.rootfs.has(name) && bytes.includes(name));
  return [
    ...files.map((name) => byPack("rule", name, path, "named in the binary")),
    ...(kind.isStatic && bytes.includes("libnss_") ? nameServices(path, context) : []),
    ...(takesAnyZone(bytes) ? allZones(path, context) : []),
    ...besides(path, bytes, context),
    ...openedLibraries(bytes, path, context),
    ...goPrograms(bytes, path, context),
  ];
});

/**
 * Go, as its tables of functions tell: zones are loaded by name, no name of one is in the program, and none are built in. They
 * come from outside, so all may be meant.
 */
function takesAnyZone(bytes: Buffer): boolean {
  if (!bytes.includes("time.LoadLocation") || bytes.includes("time/tzdata")) return false;
  return !areas.some((area) => bytes.includes(area));
}

/** A static program of glibc still loads libc and its name services at run time. */
function nameServices(by: string, context: PackContext): Wanted[] {
  const directories = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"].flatMap((parent) => [
    parent,
    ...(context.children.get(parent) ?? [])
      .filter((name) => name.includes("-linux-gnu"))
      .map((name) => `${parent}/${name}`),
  ]);
  const names = ["libc.so.6", "libnss_files.so.2", "libnss_dns.so.2", "libnss_compat.so.2", "libresolv.so.2"];
  return directories.flatMap((directory) =>
    names
      .filter((name) => context.rootfs.has(`${directory}/${name}`))
      .map((name) => byPack("rule", `${directory}/${name}`, by, "name service")),
  );
}

/**
 * Files and directories in the working directory and beside the program that it names without a path: `templates/`,
 * `config.yaml`. Where these are the application's directories they are kept anyhow; here the rest, such as an image whose
 * program, templates and settings lie in the root.
 */
function besides(path: string, bytes: Buffer, context: PackContext): Wanted[] {
  const bases = new Set([directoryAt(context, context.workdir) ?? "/", posix.dirname(path)]);
  return [...bases].flatMap((base) => {
    if (base !== "/" && isSystemDirectory(base)) return [];
    const candidates = (context.children.get(base) ?? []).flatMap(
      (name) => ours(posix.join(base, name), context) ?? [],
    );
    if (candidates.length > maxNames) return [];
    return candidates
      .filter(({ path: at }) => bytes.includes(posix.basename(at)))
      .flatMap((entry) => named(entry, path, context));
  });
}

/** What may be the application's own at a place, and is not known to be. */
function ours(path: string, context: PackContext): Entry | undefined {
  const entry = context.rootfs.get(path);
  const name = posix.basename(path);
  if (entry === undefined || name.length < 4 || notOurs.test(name) || context.isApplication(path) || isPrivateKey(path))
    return undefined;
  if (entry.type === "directory")
    return isSystemDirectory(path) || context.isApplication(`${path}/x`) ? undefined : entry;
  // Without an ending it is a word, or another program.
  return entry.type === "file" && entry.size <= maxNamedBytes && /\w\.\w+$/.test(name) ? entry : undefined;
}

function named(entry: Entry, by: string, context: PackContext): Wanted[] {
  const detail = "named in the binary";
  if (entry.type !== "directory") return [byPack("named", entry.path, by, detail)];
  return wholeDirectory(context, entry.path, { by, detail, kind: "named", maxBytes: maxNamedBytes });
}

function isProgram({ path, entry }: Place, { use }: Wanted, context: PackContext): boolean {
  if (entry.type !== "file" || (entry.mode & 0o111) === 0 || entry.size > maxProgramBytes || isRuntime(path))
    return false;
  const ran = use === "run" || context.processes.some(({ exe }) => exe === path);
  return ran && context.isApplication(path);
}

/**
 * An application that is one binary, of Go, Rust or C: files of the system and beside it that it names, libraries
 * that it opens, and programs that Go code starts. Absolute paths, certificates, types by file name and zones are found by the packs of those names; what is embedded
 * needs nothing.
 */
export const staticBinary: Pack = {
  name: "static binary",
  edges: (place, wanted, context) => (isProgram(place, wanted, context) ? neededBy(place.path, context) : []),
};

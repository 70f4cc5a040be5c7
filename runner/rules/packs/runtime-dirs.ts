import { posix } from "node:path";
import type { Entry } from "../../rootfs.ts";
import { resolvePath } from "../../rootfs.ts";
import type { Wanted } from "../wanted.ts";
import { entriesBelow, oncePerWave, realPath } from "./image-tree.ts";
import { filesOf } from "./installed.ts";
import { mainPackages } from "./main-package.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";

/** Where services have directories of their own name. */
const serviceParents = ["/var/log", "/var/lib", "/var/cache", "/var/spool", "/run", "/var/run", "/var/opt"];

/** Where any program may put something, kept as directory or link without what is in it. */
const shelves = ["/var/log", "/var/lib", "/var/cache", "/var/spool", "/var/lock", "/run/lock", "/var/opt"];

/** No service has more directories than this; what has is data. */
const maxDirectories = 300;

/** Larger files are no configuration. */
const maxConfigBytes = 256 << 10;

const maxPathsInConfig = 400;

/** Where the system keeps its own books: of no use to a service, whoever owns them. */
const ofTheSystem =
  /^\/(?:proc|sys|dev)(?:\/|$)|^\/var\/(?:lib\/(?:apt|dpkg|apk|rpm|pam|systemd|private)|cache\/(?:apt|man|debconf|ldconfig|apk|dnf|yum|private)|log\/(?:apt|private)|mail|spool\/mail|backups)(?:\/|$)/;

/** An empty directory there would be taken for a package (`import` of Python, `require` of Node). */
const inLibraries = /\/(?:site-packages|dist-packages|node_modules|gems|vendor|\.git)\//;

/** Where services have what they write. */
const dataPlace = /^\/(?:var|run|srv|data)\//;

/**
 * Directories that a service writes to and that hold nothing when it starts, kept with their owner and mode: those of its name
 * and of its package, the parents of pid, socket, log and lock files that its command line, ENV or configuration names, empty
 * ones where data goes, and what belongs to a service's user. Whether they exist decides whether the service can write; no content is kept by this.
 */
export const runtimeDirectories: Pack = {
  name: "run-time directories",
  seeds: (context) => [
    ...ofPrograms(context),
    ...ofPackages(context),
    ...ofCommands(context),
    ...owned(context),
    ...prepared(context),
    ...shelves.filter((path) => isDirectoryOrLink(path, context)).map((path) => empty(path, "system", "scratch")),
  ],
  edges(place, wanted, context) {
    if (place.entry.type !== "file" || wanted.use === "exist" || !isConfiguration(place.path, context)) return [];
    const text = context.text(place.path, maxConfigBytes);
    return text === undefined ? [] : pathsIn(text).flatMap((path) => directoryFor(path, place.path, context));
  },
};

const empty = (path: string, by: string, detail: string): Wanted => byPack("rule", path, by, detail, "exist");

const isDirectoryOrLink = (path: string, { rootfs }: PackContext) =>
  /^(?:directory|symlink)$/.test(rootfs.get(path)?.type ?? "");

function ofPrograms(context: PackContext): Wanted[] {
  const names = new Map<string, string>();
  for (const { exe } of context.processes)
    for (const name of serviceNames(exe)) if (!names.has(name)) names.set(name, exe);
  for (const { each, program } of mainPackages(context))
    for (const name of [each.name, each.source]) if (!names.has(name)) names.set(name, program);
  return [...names].flatMap(([name, exe]) =>
    serviceParents.flatMap((parent) => tree(`${parent}/${name}`, exe, context)),
  );
}

/** Names under which a program's directories go: `redis-server` has /var/lib/redis, `mysqld` /var/lib/mysql. */
export function serviceNames(exe: string): string[] {
  const name = posix.basename(exe);
  const plain = name.replace(/-?\d[\d.]*$/, "");
  const short = plain.replace(/[-_]?(?:server|daemon|master|bin)$/, "");
  const undaemoned = short.length > 3 ? short.replace(/d$/, "") : short;
  return [...new Set([name, plain, short, undaemoned])].filter((each) => /^[\w.+-]{2,}$/.test(each));
}

/** The directory and those in it, and links (`access.log -> /dev/stdout`), but no files. */
function tree(directory: string, by: string, context: PackContext): Wanted[] {
  const real = realPath(context, directory);
  if (real === undefined || context.rootfs.get(real)?.type !== "directory" || ofTheSystem.test(real)) return [];
  const inside = entriesBelow(context, real, (path) => isDirectoryOrLink(path, context));
  const some = inside.length > maxDirectories ? [] : inside;
  return [directory, real, ...some].map((path) => empty(path, by, "run-time directory"));
}

/** Directories of the main package below /var and /run. */
function ofPackages(context: PackContext): Wanted[] {
  return mainPackages(context).flatMap(({ each, program }) =>
    filesOf(context, each)
      .filter((path) => /^\/(?:var|run|srv)\/[^/]+\/./.test(path) && !ofTheSystem.test(path))
      .filter((path) => context.rootfs.get(path)?.type === "directory")
      .map((path) => byPack("unit", path, program, `package ${each.name}`, "exist")),
  );
}

/** `--pid-file=/run/app/app.pid`, `PGDATA=/var/lib/postgresql/data`. */
function ofCommands(context: PackContext): Wanted[] {
  const words = [...context.commands, ...context.processes.map(({ argv }) => argv)].flat();
  const named = new Map<string, string>();
  for (const [by, text] of [...words.map((word) => ["command", word]), ...context.env.map((each) => ["env", each])])
    for (const path of pathsIn(text ?? "")) if (!named.has(path)) named.set(path, by ?? "command");
  return [...named].flatMap(([path, by]) => directoryFor(path, by, context));
}

/** What somebody else than root can write to: directories as they are worth it, and empty files that wait for content. */
const owned = oncePerWave((context): Wanted[] => {
  const all = [...context.rootfs.values()].filter(
    (entry) => isOwned(entry) && !ofTheSystem.test(entry.path) && !inLibraries.test(`${entry.path}/`),
  );
  const directories = all.filter(({ type }) => type === "directory");
  const isTop = ({ path }: Entry) => !isOwned(context.rootfs.get(posix.dirname(path)));
  const isEmpty = ({ path }: Entry) => (context.children.get(path) ?? []).length === 0;
  const forData = directories.filter(({ path }) => dataPlace.test(path));
  const kept = new Set([
    ...directories.filter((each) => isTop(each) || isEmpty(each)),
    ...(forData.length > maxDirectories ? [] : forData),
  ]);
  return [
    ...[...kept].map(({ path }) => empty(path, "owner", "owned directory")),
    ...all.filter(isWaiting).map(({ path }) => empty(path, "owner", "owned empty file")),
  ];
});

/** Where whoever built the image makes directories for data to come: the target of a backup, a drop-in, a spool. */
const preparedPlace = /^\/(?:var|srv|data|opt|mnt|media|home|root|config)\//;

/** Empty directories for data, whoever owns them: they cost nothing. */
const prepared = oncePerWave(({ rootfs, children }): Wanted[] => {
  const found = [...rootfs.values()].filter(
    ({ type, path }) =>
      type === "directory" &&
      preparedPlace.test(path) &&
      (children.get(path) ?? []).length === 0 &&
      !ofTheSystem.test(path) &&
      !inLibraries.test(`${path}/`),
  );
  return found.length > maxDirectories ? [] : found.map(({ path }) => empty(path, "data", "prepared directory"));
});

const isWaiting = ({ type, size, path }: Entry) =>
  type === "file" && size === 0 && (dataPlace.test(path) || /\.(?:log|pid|lock)$/.test(path));

/** Somebody else than root may write to it: by owner, or by its mode (setgid group, sticky for all). */
function isOwned(entry: Entry | undefined): boolean {
  if (!entry) return false;
  const { uid, gid, mode } = entry;
  return uid !== 0 || (mode & 0o002) !== 0 || (gid !== 0 && (mode & 0o020) !== 0);
}

function isConfiguration(path: string, context: PackContext): boolean {
  if (path.startsWith("/etc/")) return !/^\/etc\/(?:ssl|ld\.so|shadow|gshadow|alternatives|fonts|terminfo)/.test(path);
  return (
    context.isApplication(path) && /\.(?:conf|cfg|cnf|ini|ya?ml|toml|json|properties|xml|env|sh)$|\/[^./]+$/.test(path)
  );
}

/** Paths below the directories that hold run-time data, as they stand in a text. */
export function pathsIn(text: string): string[] {
  const found = new Set<string>();
  for (const [path] of text.matchAll(/(?<![\w.-])\/(?:var|run|tmp|srv|data)\/[\w./@+-]{1,300}/g)) {
    found.add(posix.normalize(path).replace(/[./]+$/, ""));
    if (found.size === maxPathsInConfig) break;
  }
  return [...found];
}

/** A directory or link itself; of a file, there or not, the directory that it stands in. */
function directoryFor(path: string, by: string, context: PackContext): Wanted[] {
  const wanted = (each: string) => byPack("named", each, by, "run-time directory", "exist");
  if (ofTheSystem.test(path)) return [];
  const found = resolvePath(context.rootfs, path);
  // A link to what only a running container has, as access.log to /dev/stdout.
  const isLink = context.rootfs.get(path)?.type === "symlink";
  if (isLink || ("path" in found && found.entry.type === "directory")) return [wanted(path)];
  const parent = posix.dirname(path);
  return realPath(context, parent) === undefined ? [] : [wanted(parent)];
}

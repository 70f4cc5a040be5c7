import { posix } from "node:path";
import type { Entry } from "../../rootfs.ts";
import { findProgram } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import type { ConfigReference, Format, Scope } from "./config-format.ts";
import { formats } from "./config-formats.ts";
import { finder } from "./config-place.ts";
import { entryPoints } from "./entry-points.ts";
import { directoryAt, fileAt, perPath } from "./gather.ts";
import { oncePerWave, realPath } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { isText } from "./path-text.ts";
import { isForDevelopers, isListing, isPrivateKey, isSystemDirectory, isSystemSecret } from "./system-paths.ts";
import { wholeDirectory } from "./tree.ts";

const maxFileBytes = 1 << 20;
/** Of one configuration with all that it includes. */
const maxBytes = 16 << 20;
const maxFiles = 1000;
const maxReferences = 20_000;
/** In all, of one configuration: the largest web root, or a hostile list of patterns that all fit everything. */
const maxWanted = 100_000;
/** A document root is the site itself: larger than what is kept for a name alone. */
const maxTreeBytes = 256 << 20;
/** An old log of this size says nothing; a small one has an owner and a mode. */
const maxOutputBytes = 1 << 20;

/**
 * What the configuration of servers and libraries refers to: further files of it (by pattern), modules, certificates and the keys
 * that are named, the trees that are served, programs, and the directories that are written to. A server with one virtual host
 * less does not start at all, or answers the one request of the probe and no other.
 *
 * It counts when it was read, is the application's, or is given to a program that the image starts.
 */
export const configRefs: Pack = {
  name: "config-refs",
  seeds: (context) =>
    toldConfigurations(context).flatMap(({ format, path, by }) => [
      byPack("named", path, by, `${format.name} configuration`),
      ...references(`${format.name}\0${path}`, context),
    ]),
  edges: ({ path, entry }, { use }, context) => {
    if (entry.type === "file" ? use === "exist" : entry.type !== "symlink") return [];
    const format = formats.find(({ main }) => main.test(path));
    const real = format && fileAt(context, path);
    if (!format || real === undefined || isListing(real) || isForDevelopers(path)) return [];
    const isUsed = format.isQuiet === true || context.isSeen(real) || context.isApplication(real);
    return isUsed ? references(`${format.name}\0${path}`, context) : [];
  },
};

type Told = { format: Format; path: string; by: string };

/** Main files that command lines name: `nginx -c /app/web.conf`. */
const toldConfigurations = oncePerWave((context): Told[] => {
  const found = new Map<string, Told>();
  for (const { start, program } of entryPoints(context)) {
    for (const format of formats) {
      const name = start.words[0] ?? "";
      if (!format.told?.program.test(posix.basename(name))) continue;
      for (const word of toldWords(start.words, format.told.option)) {
        const path = posix.resolve("/", start.directory, word);
        if (word.includes("\0") || isSystemSecret(path) || fileAt(context, path) === undefined) continue;
        found.set(`${format.name}\0${path}`, { format, path, by: program ?? name });
      }
    }
  }
  return [...found.values()];
});

/** Values of an option: behind it, behind `=` (`-c config_file=X` too), or joined to its one letter. */
function toldWords(words: readonly string[], option: RegExp): string[] {
  return words.slice(1, 200).flatMap((word, at) => {
    if (option.test(word)) return words.slice(at + 2, at + 3);
    const joined = /^(-{0,2}[\w-]+)=(.+)$/.exec(word) ?? /^(-\w)(\/.+)$/.exec(word);
    if (joined) return option.test(joined[1] ?? "") ? [joined[2] ?? ""] : [];
    // An option without a name: the words that are none.
    return option.test("") && !word.startsWith("-") ? [word] : [];
  });
}

type Finder = (pattern: string) => string[];

/** All that a configuration and what it includes refers to; the key is the name of the format and the path of the main file. */
const references = perPath((key, context): Wanted[] => {
  const [name = "", main = ""] = key.split("\0");
  const format = formats.find((each) => each.name === name);
  if (!format) return [];
  const find = finder(context);
  const files = readAll(format, main, context, find);
  const scope = scopeOf(format, [...files.values()], main, context);
  const found = new Map<string, Wanted>();
  const passed = new Set<string>();
  for (const [path, text] of files)
    for (const each of referencesOf(format, { path, text }, main, scope, context)) {
      const asked = `${each.what}\0${patternOf(path, each)}`;
      if (passed.has(asked)) continue;
      passed.add(asked);
      for (const wanted of wantedBy(context, path, each, find)) {
        const way = `${wanted.use}\0${wanted.path}`;
        if (!found.has(way)) found.set(way, wanted);
        if (found.size === maxWanted) return [...found.values()];
      }
    }
  return [...found.values()];
});

/** The main file and all that it includes, in the order in which they are reached; text by real path. */
function readAll(format: Format, main: string, context: PackContext, find: Finder): Map<string, string> {
  const files = new Map<string, string>();
  let bytes = 0;
  const add = (path: string) => {
    const real = fileAt(context, path);
    if (real === undefined || files.has(real) || files.size >= maxFiles || isSystemSecret(real)) return;
    const text = textOf(context, real);
    if (text === undefined || bytes + text.length > maxBytes) return;
    bytes += text.length;
    files.set(real, text);
  };
  add(main);
  const scope = scopeOf(format, [...files.values()], main, context);
  const passed = new Set<string>();
  for (const [path, text] of files) {
    // `files` grows as we walk it
    for (const each of referencesOf(format, { path, text }, main, scope, context)) {
      const pattern = patternOf(path, each);
      if (each.what !== "include" || passed.has(pattern)) continue;
      passed.add(pattern);
      for (const one of find(pattern)) add(one);
    }
  }
  return files;
}

function textOf(context: PackContext, path: string): string | undefined {
  const bytes = context.content(path, maxFileBytes);
  return bytes && isText(bytes) ? context.text(path, maxFileBytes) : undefined;
}

function scopeOf(format: Format, texts: readonly string[], main: string, context: PackContext): Scope {
  const own = format.scope?.(texts, main, context) ?? {};
  return { base: own.base ?? posix.dirname(main), variables: own.variables ?? new Map() };
}

function referencesOf(
  format: Format,
  { path, text }: { path: string; text: string },
  main: string,
  scope: Scope,
  context: PackContext,
): ConfigReference[] {
  const found = format.references(text, { ...scope, path, isMain: path === fileAt(context, main), context });
  return found
    .filter(({ spelled }) => spelled !== "" && !spelled.includes("\0") && !spelled.includes("\n"))
    .slice(0, maxReferences);
}

const patternOf = (by: string, { spelled, base }: ConfigReference): string =>
  posix.resolve("/", base ?? posix.dirname(by), spelled);

function wantedBy(context: PackContext, by: string, reference: ConfigReference, find: Finder): Wanted[] {
  const { spelled, base, detail, what } = reference;
  const wanted = (path: string, use: Wanted["use"]) => byPack("named", path, by, detail, use);
  if (what === "program") {
    const program = findProgram(context.rootfs, spelled, { env: context.env, workdir: base ?? "/" });
    return program === undefined ? [] : [byPack("script", program, by, detail, "run")];
  }
  const pattern = patternOf(by, reference);
  if (what === "output")
    return [posix.dirname(pattern), pattern]
      .filter((path) => isWritten(context, path))
      .map((path) => wanted(path, "exist"));
  return find(pattern).flatMap((path) => {
    const directory = what === "tree" ? directoryAt(context, path) : undefined;
    if (directory !== undefined) return tree(context, path, directory, by, reference);
    const entry = context.rootfs.get(fileAt(context, path) ?? "");
    return isSecret(entry, path, spelled) ? [] : [wanted(path, useOf(entry))];
  });
}

/** Whether an entry, or what a link there leads to, is kept because it is written to. */
function isWritten(context: PackContext, path: string): boolean {
  const real = realPath(context, path) ?? path;
  const entry = context.rootfs.get(real);
  return ![path, real].some(isPrivateKey) && !(entry?.type === "file" && entry.size > maxOutputBytes);
}

const useOf = (entry: Entry | undefined): Wanted["use"] =>
  entry !== undefined && (entry.mode & 0o111) !== 0 && !/\.so(\.|$)/.test(entry.path) ? "run" : "load";

/** A private key is kept when its full path is given; a pattern asks for none, and nothing asks for the system's secrets. */
function isSecret(entry: Entry | undefined, path: string, spelled: string): boolean {
  const all = [path, entry?.path ?? path];
  return all.some(isSystemSecret) || (/[*?[]/.test(spelled) && all.some(isPrivateKey));
}

function tree(
  context: PackContext,
  spelled: string,
  directory: string,
  by: string,
  { detail, keys }: ConfigReference,
): Wanted[] {
  if (isSystemDirectory(directory) || isSystemSecret(directory)) return [];
  const whole = wholeDirectory(context, directory, { by, detail, kind: "named", maxBytes: maxTreeBytes, keys });
  const isLeft = (path: string) => isSystemSecret(realPath(context, path) ?? path);
  return [byPack("named", spelled, by, detail, "exist"), ...whole.filter(({ path }) => !isLeft(path))];
}

import { posix } from "node:path";
import type { KeepProfile } from "#contract/job.ts";
import type { Round } from "#contract/report.ts";
import type { KeepSet } from "../keep-set.ts";
import type { Owners } from "../report/package-owners.ts";
import { below, childrenOf, type Entry, type Rootfs } from "../rootfs.ts";
import { packContext } from "../rules/packs/context.ts";
import { languageUnit, languageUnitEntries } from "../rules/packs/owning-packages.ts";
import type { PackContext } from "../rules/packs/pack.ts";
import { pruneClass } from "../rules/packs/prune-class.ts";
import { isPrivateKey, isSystemDirectory } from "../rules/packs/system-paths.ts";

/** An entry that is brought back: because it was looked for in vain, or with the one that was. */
export type Repair = { path: string; unitOf?: string };

type Image = { rootfs: Rootfs; owners: Owners; kept: KeepSet; forbidden(path: string): boolean };

/** A unit with more behind it is not brought back whole, bytes and entries: its missing entry alone is. */
const cap = { bytes: 16 << 20, entries: 2000 };

/**
 * What comes back for what was missing. In `exact` that alone; else with each entry its unit: whoever looks for one file of a
 * package is likely to look for the next one, and each round of repair finds only the first that is not there.
 */
export function repairsFor(missing: readonly string[], profile: KeepProfile, image: Image): Repair[] {
  const repairs = new Map<string, Repair>(missing.map((path) => [path, { path }]));
  if (profile === "exact") return [...repairs.values()];
  const context = bareContext(image.rootfs);
  for (const unitOf of missing)
    for (const path of affordable(unitEntries(unitOf, image, context), image))
      if (!repairs.has(path)) repairs.set(path, { path, unitOf });
  return [...repairs.values()];
}

/** What a round of verification tells of its repairs: units by their number of entries. */
export function toldOf(all: readonly Repair[]): Pick<Round, "repairs" | "units"> {
  const entries = new Map<string, number>();
  for (const { unitOf } of all) if (unitOf !== undefined) entries.set(unitOf, (entries.get(unitOf) ?? 0) + 1);
  return {
    repairs: all.filter(({ unitOf }) => unitOf === undefined).map(({ path }) => path),
    units: [...entries].map(([of, count]) => ({ of, entries: count })),
  };
}

function affordable(paths: readonly string[], { rootfs, kept, forbidden }: Image): string[] {
  const fresh = paths.filter((path) => !kept.has(path) && !forbidden(path) && !isPrivateKey(path));
  const bytes = fresh.reduce((sum, path) => sum + (rootfs.get(path)?.size ?? 0), 0);
  return bytes > cap.bytes || fresh.length > cap.entries ? [] : fresh;
}

/**
 * The entries that belong together with one, itself among them or not: the package of a language; the package directory of a
 * Python module; the files of the same kind, of the same owner, in its directory; and of a directory all that is in it.
 */
function unitEntries(path: string, image: Image, context: PackContext): string[] {
  const { rootfs } = image;
  const entry = rootfs.get(path);
  if (!entry || entry.type === "symlink" || pruneClass(path) !== undefined) return [];
  const isDirectory = entry.type === "directory";
  const language = languageUnit(isDirectory ? `${path}/` : path);
  if (language !== undefined) return languageUnitEntries(context, language);
  const python = pythonPackage(rootfs, isDirectory ? path : posix.dirname(path));
  if (python !== undefined) return [...below(rootfs, python)].filter(isWorthIt);
  return isDirectory ? contentsOf(path, image) : siblingsOf(entry, image);
}

const isWorthIt = (path: string): boolean => pruneClass(path) === undefined;

/** The topmost directory that is one package with `directory`; undefined when it is none. */
function pythonPackage(rootfs: Rootfs, directory: string): string | undefined {
  const at = posix.basename(directory) === "__pycache__" ? posix.dirname(directory) : directory;
  if (!rootfs.has(`${at}/__init__.py`)) return undefined;
  return pythonPackage(rootfs, posix.dirname(at)) ?? at;
}

/** Whoever finds a directory looks into it. One of the system holds what has nothing to do with each other. */
function contentsOf(directory: string, { rootfs, owners }: Image): string[] {
  if (isSystemDirectory(directory)) return [];
  const owner = owners.of(directory);
  return [...below(rootfs, directory)].filter((path) => isWorthIt(path) && (owner < 0 || owners.of(path) === owner));
}

/** Files beside one that are of its kind: what nobody owns only where an application keeps its own. */
function siblingsOf(entry: Entry, { rootfs, owners }: Image): string[] {
  const directory = posix.dirname(entry.path);
  const owner = owners.of(entry.path);
  if (owner < 0 && isSystemDirectory(directory)) return [];
  const kind = kindOf(entry, owner);
  return (childrenOf(rootfs).get(directory) ?? [])
    .map((name) => posix.join(directory, name))
    .filter((path) => {
      const other = rootfs.get(path);
      return other?.type === "file" && owners.of(path) === owner && kindOf(other, owner) === kind && isWorthIt(path);
    });
}

/** Of a package's files the kind is what the name ends in; an application's data of any name belong together. */
function kindOf({ path, mode }: Entry, owner: number): string {
  if ((mode & 0o111) !== 0 && !/\.so(?:\.|$)/.test(path)) return "program";
  if (owner < 0) return "data";
  return /\.so(?:\.|$)/.test(path) ? ".so" : posix.extname(path);
}

/** Units are a matter of the tree alone: no contents, nothing observed. */
function bareContext(rootfs: Rootfs): PackContext {
  const config = { env: [], workdir: "/", entrypoint: [], cmd: [] };
  return packContext({ rootfs, runs: [], seen: [], config, contents: new Map() }).context;
}

import { posix } from "node:path";
import type { PackageNode } from "#contract/graph.ts";
import { filesOf, installedPackages } from "../rules/packs/installed.ts";
import type { PackContext } from "../rules/packs/pack.ts";

/** A package of the image: of the distribution, or one copy of a package of a language. */
export type Owner = Pick<PackageNode, "system" | "name" | "at">;

/** All packages whose files are known, and which of them owns an entry: its position, -1 for none. */
export type Owners = { packages: readonly Owner[]; of(path: string): number };

/** No package is known. */
export const noOwners: Owners = { packages: [], of: () => -1 };

/** `dpkg:libssl3`, `npm:express`: a package in one word. */
export const ownerName = ({ system, name }: Pick<Owner, "system" | "name">): string => `${system}:${name}`;

/** Nothing of a distribution in it is longer. */
const maxRecordBytes = 16 << 20;

const record = ".dist-info/RECORD";

/**
 * Who owns what: the databases of dpkg, apk and rpm first, then the records of Python packages, then the directories that npm
 * and gem give to each package. A directory that several packages list is owned by none.
 */
export function packageOwners(context: PackContext): Owners {
  const { rootfs } = context;
  const packages: Owner[] = [];
  const owned = new Map<string, number>();
  const own = (path: string, id: number) => {
    const entry = rootfs.get(path);
    const before = owned.get(path);
    // The key of the rootfs, so that no path is held twice.
    if (entry) owned.set(entry.path, entry.type === "directory" && before !== undefined && before !== id ? -1 : id);
  };
  for (const each of installedPackages(context)) {
    const id = packages.push({ system: each.system, name: each.name, at: null }) - 1;
    for (const path of filesOf(context, each)) own(path, id);
  }
  const byDirectory = new Map<string, number>();
  for (const path of rootfs.keys()) {
    const language = languagePackage(path);
    if (language && !byDirectory.has(language.at))
      byDirectory.set(language.at, packages.push({ ...language, at: language.at }) - 1);
    if (!path.endsWith(record) || (owned.get(path) ?? -1) >= 0) continue;
    const at = posix.dirname(path);
    const id = packages.push({ system: "pip", name: posix.basename(at, ".dist-info"), at }) - 1;
    for (const each of recordedPaths(context.text(path, maxRecordBytes) ?? "", posix.dirname(at)))
      if ((owned.get(each) ?? -1) < 0) own(each, id);
    own(at, id);
  }
  return {
    packages,
    of: (path) => {
      const id = owned.get(path) ?? owned.get(sourceOf(path));
      if (id !== undefined && id >= 0) return id;
      return byDirectory.get(languagePackage(path)?.at ?? "") ?? -1;
    },
  };
}

/** `/d/__pycache__/a.cpython-311.pyc` was made of /d/a.py when its package was installed; other paths are their own source. */
function sourceOf(path: string): string {
  const at = path.endsWith(".pyc") ? path.lastIndexOf("/__pycache__/") : -1;
  return at < 0 ? path : `${path.slice(0, at)}/${posix.basename(path).replace(/\..*$/s, "")}.py`;
}

/** The paths that a RECORD names, absolute, with the directories of the package; its lines are `path,hash,size`. */
function recordedPaths(text: string, base: string): Set<string> {
  const paths = new Set<string>();
  for (const line of text.split("\n")) {
    const name =
      /^"((?:[^"]|"")+)"/.exec(line)?.[1]?.replaceAll('""', '"') ?? line.slice(0, Math.max(line.indexOf(","), 0));
    if (name === "") continue;
    const path = posix.resolve(base, name.trimEnd());
    if (paths.has(path)) continue;
    paths.add(path);
    for (let at = posix.dirname(path); at.length > base.length && at.startsWith(`${base}/`); at = posix.dirname(at)) {
      if (paths.has(at)) break;
      paths.add(at);
    }
  }
  return paths;
}

const gemPlaces = /\/(?:gems|specifications|extensions)\//;

/** The package of npm or gem that a path belongs to by where it is. */
export function languagePackage(path: string): { system: "npm" | "gem"; name: string; at: string } | undefined {
  const modules = path.lastIndexOf("/node_modules/");
  if (modules >= 0) {
    const rest = path.slice(modules + "/node_modules/".length);
    const name = /^(?:@[^/]+\/)?[^/@.][^/]*/.exec(rest)?.[0];
    return name === undefined
      ? undefined
      : { system: "npm", name, at: path.slice(0, path.length - rest.length) + name };
  }
  if (!gemPlaces.test(path)) return undefined;
  const gem =
    // Bundler puts what comes from git beside the rest, under the commit instead of a version.
    /^(.*?\/bundler)\/gems\/([^/]+-[\da-f]{7,40})(?:\/|$)/.exec(path) ??
    /^(.*?)\/gems\/([^/]+-\d[^/]*)(?:\/|$)/.exec(path) ??
    /^(.*?)\/specifications\/([^/]+-\d[^/]*)\.gemspec$/.exec(path) ??
    /^(.*?)\/extensions\/[^/]+\/[^/]+\/([^/]+-\d[^/]*)(?:\/|$)/.exec(path);
  const [, home, name] = gem ?? [];
  return home === undefined || name === undefined ? undefined : { system: "gem", name, at: `${home}/gems/${name}` };
}

import { posix } from "node:path";
import { variable } from "../program.ts";
import { childPaths, directoryAt, filesBelow, perPath } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { parseGemspec } from "./ruby-source.ts";

export type Gem = { name: string; version: string; directory: string; specification: string; extensions: string[] };

type RubyHome = {
  /** Where `require` looks, gems that were used first. */
  loadPath: string[];
  gems: Gem[];
  /** Directories of the standard library, the platform's with them. */
  standard: string[];
  /** Of Debian's and the site's libraries, where all gems lie in one tree. */
  shared: string[];
  /** `3.1` of the running Ruby; undefined when that cannot be told. */
  version: string | undefined;
};

const inGem = /^(.*\/gems\/[^/]+-[0-9a-f][^/]*)\//;
const inExtension = /^(.*)\/extensions\/[^/]+\/[^/]+\/([^/]+)\//;

/** The directory of the gem that a file belongs to; what was built for a gem lies beside it. */
export function gemDirectory(path: string): string | undefined {
  const [, root, name] = inExtension.exec(path) ?? [];
  return root && name ? `${root}/gems/${name}` : inGem.exec(path)?.[1];
}

/** Everything of Ruby that an image has, from its directories, RUBYLIB and `-I`. */
export const rubyHome = oncePerWave((context): RubyHome => {
  const standard: string[] = [];
  const shared: string[] = [];
  const roots: string[] = [];
  for (const [directory, names] of context.children) {
    if (/\/(?:gems|doc|ri)\//.test(directory)) continue;
    if (names.includes("rbconfig.rb") || names.includes("English.rb")) standard.push(directory);
    if (/\/(?:site_ruby|vendor_ruby)$/.test(directory)) {
      const versions = childPaths(context, directory, /^\d+\.\d+(?:\.\d+)?$/);
      const platforms = [directory, ...versions].flatMap((path) => childPaths(context, path, /linux|musl/));
      shared.push(directory, ...versions, ...platforms);
    }
  }
  for (const [directory, names] of context.children)
    if (names.includes("specifications") && !/\/(?:doc|ri)\//.test(directory)) roots.push(directory);
  const used = standard.filter((directory) =>
    (context.children.get(directory) ?? []).some((name) => context.isSeen(`${directory}/${name}`)),
  );
  const version = used.map(versionOf).find((each) => each !== undefined);
  const own = standard.filter((directory) => used.length === 0 || versionOf(directory) === version);
  const gems = roots.flatMap((root) => gemsOf(root, context));
  const gemPaths = gems.flatMap((gem) => requirePaths(gem, context));
  const isUsed = (path: string) => usedUnits(context).has(gemDirectory(`${path}/`) ?? "");
  const given = [...(variable(context.env, "RUBYLIB") ?? "").split(":"), ...includeArguments(context)];
  const loadPath = [
    ...given.filter(Boolean).map((path) => posix.resolve("/", context.workdir, path)),
    posix.resolve("/", context.workdir),
    posix.resolve("/", context.workdir, "lib"),
    ...gemPaths.filter(isUsed),
    ...shared,
    ...own,
    ...gemPaths.filter((path) => !isUsed(path)),
  ];
  const there = loadPath.map((path) => directoryAt(context, path)).filter((path) => path !== undefined);
  return { loadPath: [...new Set(there)], gems, standard: own, shared, version };
});

function versionOf(directory: string): string | undefined {
  return /\/(\d+\.\d+)\.\d+(?:\/|$)/.exec(directory)?.[1];
}

function includeArguments({ processes }: PackContext): string[] {
  return processes.flatMap(({ argv }) =>
    argv.flatMap((word, at) => {
      const path = word === "-I" ? argv[at + 1] : /^-I(.+)/.exec(word)?.[1];
      return path === undefined ? [] : path.split(":");
    }),
  );
}

function gemsOf(root: string, context: PackContext): Gem[] {
  const specifications = childPaths(context, `${root}/specifications`, /\.gemspec$/);
  return specifications.flatMap((specification) => {
    const full = posix.basename(specification, ".gemspec");
    const [, name, version] = /^(.+?)-(\d[\w.]*(?:-.+)?)$/.exec(full) ?? [];
    const directory = `${root}/gems/${full}`;
    if (!name || !version) return [];
    const platforms = childPaths(context, `${root}/extensions`, /./);
    const extensions = platforms
      .flatMap((platform) => childPaths(context, platform, /./))
      .map((abi) => `${abi}/${full}`)
      .filter((path) => context.children.has(path));
    return [{ name, version, directory, specification, extensions }];
  });
}

/** What a gem's own specification says; the usual when it cannot be read. */
export const gemspecOf = perPath((path, context) => parseGemspec(context.text(path) ?? ""));

function requirePaths(gem: Gem, context: PackContext): string[] {
  if (!context.children.has(gem.directory)) return gem.extensions;
  const paths = gemspecOf(gem.specification, context).requirePaths;
  return [...paths.map((path) => posix.resolve(gem.directory, path)), ...gem.extensions];
}

/** The unit that a library file belongs to: its gem's directory, or its first directory in a tree that gems share. */
export function unitOf(path: string): string | undefined {
  const gem = gemDirectory(path);
  if (gem !== undefined) return gem;
  const [, tree, name] =
    /^(.*\/(?:site_ruby|vendor_ruby))\/(?:\d+\.\d+(?:\.\d+)?\/)?(?:[^/]*linux[^/]*\/)?([^/]+)/.exec(path) ?? [];
  // RubyGems itself is a part of Ruby, wherever a distribution puts it.
  if (!tree || !name || /^(?:rubygems|bundler)(?:\.rb)?$/.test(name)) return undefined;
  return `shared:${name.replace(/\.(?:rb|so)$/, "")}`;
}

/** Units of which some code was read. */
export const usedUnits = oncePerWave((context): ReadonlySet<string> => {
  const units = new Set<string>();
  for (const path of context.rootfs.keys()) {
    if (!/\.(?:rb|so)$/.test(path) || !context.isSeen(path)) continue;
    const unit = unitOf(path);
    if (unit !== undefined) units.add(unit);
  }
  return units;
});

const neverUsed =
  /^(?:ext|tests?|specs?|features|docs?|rdoc|examples?|samples?|bench(?:marks?)?|sig|rbi|man|ports|patches|\.\w+)$/;
const notCode = /\.(?:c|cc|cpp|h|hpp|java|jar|o|a|rl|rbs|rbi|md|markdown|rdoc|patch|gemspec|tar\.gz|tgz)$/i;

/** A gem as it works: without C sources, signatures, documents, tests, and code built for another Ruby. */
export function gemFiles(directory: string, context: PackContext): string[] {
  const { version } = rubyHome(context);
  return filesBelow(context, directory, {
    maxBytes: 256 << 20,
    enter: (at, name) =>
      !(at === directory && neverUsed.test(name)) &&
      !(version !== undefined && /^\d+\.\d+$/.test(name) && name !== version && at.includes("/lib/")),
    accept: (path) => !notCode.test(path),
  });
}

/** The data among a used gem's files: what its code reads by a name that no `require` shows. */
export function gemData(directory: string, context: PackContext): string[] {
  const isData = (path: string) => !notCode.test(path) && !/\.(?:rb|so|rake|tt)$/.test(path);
  const below = (name: string) => filesBelow(context, `${directory}/${name}`, { accept: isData, maxBytes: 4 << 20 });
  return ["lib", "data", "config", "locales", "locale"].flatMap(below);
}

import { posix } from "node:path";
import { variable } from "../program.ts";
import { directoryAt } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { isForDevelopers, isListing } from "./system-paths.ts";

/** Where one of the image's interpreters that ran finds modules. Real directories. */
export type Interpreter = {
  /** The standard library: /usr/lib/python3.11. */
  library: string;
  /** site-packages and dist-packages, and what their .pth files add, in the order of the search. */
  sites: readonly string[];
  /** Tags of cached bytecode: `cpython-311`, with `.opt-1` when the image asks for it. */
  tags: readonly string[];
};

/** Above this a list of the application's own directories tells nothing more. */
const maxRoots = 200;
const maxConfigurations = 200;

type PythonFiles = {
  /** Directories of standard libraries, and of packages. */
  libraries: readonly string[];
  sites: readonly string[];
  /** Sources, bytecode and extension modules that were read. */
  seen: readonly string[];
  /** The application's sources; its configuration, by its names. */
  own: readonly string[];
  configuration: readonly string[];
  /** Virtual environments that were used. */
  environments: readonly string[];
};

const configuration = /\.(?:ini|cfg|conf|toml|ya?ml|json)$|\/\.env$|\/Procfile$/;
const maxConfigurationBytes = 256 << 10;

/** What one look over the image finds. */
export const pythonFiles = oncePerWave((context): PythonFiles => {
  const libraries = new Set<string>();
  const sites: string[] = [];
  const seen: string[] = [];
  const own: string[] = [];
  const configured: string[] = [];
  const environments: string[] = [];
  for (const { path, type, size } of context.rootfs.values()) {
    if (type === "directory" && /\/(?:site|dist)-packages$/.test(path)) sites.push(path);
    if (type !== "file") continue;
    if (path.endsWith("/pyvenv.cfg") && context.isSeen(path)) environments.push(posix.dirname(path));
    if (size <= maxConfigurationBytes && configuration.test(path) && isOwn(context, path)) configured.push(path);
    if (!/\.(?:pyc?|so)$/.test(path)) continue;
    if (/\/(?:python|pypy)\d[\d.]*t?\/os\.pyc?$/.test(path)) libraries.add(posix.dirname(path));
    if (context.isSeen(path)) seen.push(path);
    if (path.endsWith(".py") && isOwn(context, path)) own.push(path);
  }
  const isStandardFile = (path: string) => [...libraries].some((library) => path.startsWith(`${library}/`));
  return {
    libraries: [...libraries],
    sites,
    seen,
    own: own.filter((path) => !isStandardFile(path)),
    configuration: configured.filter((path) => !isForDevelopers(path) && !isListing(path)).slice(0, maxConfigurations),
    environments,
  };
});

const isOwn = (context: PackContext, path: string) => context.isApplication(path) && !isInstalled(path);

export function isInstalled(path: string): boolean {
  return /\/(?:site|dist)-packages\//.test(path);
}

/** The interpreters of which library files were used. */
export const interpreters = oncePerWave((context): Interpreter[] => {
  const { libraries, sites, seen, environments } = pythonFiles(context);
  const usedSites = new Set(sites.filter((site) => seen.some((path) => path.startsWith(`${site}/`))));
  const used = libraries.filter((library) => seen.some((path) => path.startsWith(`${library}/`) && !isInstalled(path)));
  return used.map((library) => {
    const version = /(?:python|pypy)(\d[\d.]*t?)$/.exec(library)?.[1] ?? "";
    const own = (site: string) =>
      posix.dirname(site) === library || posix.dirname(site).startsWith("/usr/local/lib/python");
    const isFor = (site: string) => {
      const parent = posix.basename(posix.dirname(site));
      const isEnvironment = environments.some((environment) => site.startsWith(`${environment}/`));
      const isUsed = usedSites.has(site) || own(site) || isEnvironment;
      return isUsed && (parent === posix.basename(library) || parent === `python${version.charAt(0)}`);
    };
    const direct = sites.filter(isFor);
    const added = direct.flatMap((site) => addedByPth(context, site));
    return { library, sites: [...new Set([...direct, ...added])], tags: tagsOf(context, library, version) };
  });
});

function tagsOf({ env, processes }: PackContext, library: string, version: string): string[] {
  const implementation = posix.basename(library).startsWith("pypy") ? "pypy" : "cpython-";
  const tag = `${implementation}${version.replaceAll(".", "")}`;
  const words = processes.flatMap(({ argv }) => argv.slice(1, 4));
  const isOptimised = (variable(env, "PYTHONOPTIMIZE") ?? "") !== "" || words.some((word) => /^-OO?$/.test(word));
  return isOptimised ? [tag, `${tag}.opt-1`, `${tag}.opt-2`] : [tag];
}

/** Directories that the lines of a site's .pth files name (module site): those of develop installs and of unpacked eggs. */
function addedByPth(context: PackContext, site: string): string[] {
  const names = (context.children.get(site) ?? []).filter((name) => name.endsWith(".pth")).slice(0, 500);
  return names.flatMap((name) => {
    const lines = (context.text(`${site}/${name}`, 1 << 16) ?? "").split(/\r?\n/).slice(0, 1000);
    return lines
      .filter((line) => line.trim() !== "" && !/^(?:#|import[ \t])/.test(line))
      .flatMap((line) => realDirectory(context, posix.resolve(site, line.trim())));
  });
}

/** The real directory behind a path, in a list; an empty list when it is none, or the root. */
function realDirectory(context: PackContext, path: string): string[] {
  const found = directoryAt(context, path);
  return found === undefined || found === "/" ? [] : [found];
}

/**
 * Directories from which the application imports its own modules: PYTHONPATH, the working directory, those of the scripts that
 * ran, and the tops of its packages.
 */
export const applicationRoots = oncePerWave((context): string[] => {
  const { own } = pythonFiles(context);
  const named = (variable(context.env, "PYTHONPATH") ?? "").split(":").filter((each) => each !== "");
  const scripts = context.processes.flatMap(({ argv }) => argv.slice(1, 8).filter((word) => /\.pyc?$/.test(word)));
  const spelled = [
    ...named.map((each) => posix.resolve(context.workdir, each)),
    context.workdir,
    ...scripts.map((script) => posix.dirname(posix.resolve(context.workdir, script))),
  ];
  const roots = new Set(spelled.flatMap((each) => realDirectory(context, each)));
  for (const path of own) {
    let directory = posix.dirname(path);
    while (directory !== "/" && isRegularPackage(context, directory)) directory = posix.dirname(directory);
    if (directory !== "/" && roots.size < maxRoots) roots.add(directory);
  }
  return [...roots];
});

/** A directory with an `__init__`. */
export function isRegularPackage({ rootfs }: PackContext, directory: string): boolean {
  return rootfs.has(`${directory}/__init__.py`) || rootfs.has(`${directory}/__init__.pyc`);
}

/** The site directory that holds a path, the innermost; undefined when none does. */
export function siteOf(context: PackContext, path: string): string | undefined {
  let best: string | undefined;
  for (const { sites } of interpreters(context)) {
    for (const site of sites) if (path.startsWith(`${site}/`) && site.length > (best?.length ?? 0)) best = site;
  }
  return best;
}

/** Whether a path is a file of a standard library, and not of packages in it. */
export function isStandard(context: PackContext, path: string): boolean {
  return interpreters(context).some(({ library }) => path.startsWith(`${library}/`)) && !isInstalled(path);
}

import { oncePerWave } from "./image-tree.ts";
import { maxCodeBytes, maxConfigBytes, nodeFiles } from "./node-application.ts";
import { alternativeBuilds, type Build } from "./node-builds.ts";
import {
  namedInside,
  namedOutside,
  opensItself,
  opensPackage,
  type Source,
  sourceOf,
  type Target,
} from "./node-naming.ts";
import { manifestOf, packageName } from "./node-resolve.ts";
import type { PackContext } from "./pack.ts";

/** A package with the files that are kept of it. */
type PackageFiles = { path: string; files: readonly string[] };

/** Who reads more sources than these for one package pays more than the rule gives. */
const maxSources = 8_000;

/**
 * The files of a package that may be left out: alternative builds of its module and archives of its release that nothing names.
 * Looked through are the package's own sources, the application's, and those of the packages that depend on it; a build that one
 * of them names is a source itself. When one of them is not known, cannot be read or is too large, everything stays.
 * @param dependents packages that declare this one, with the files that are kept of them
 */
export function spareFiles(
  context: PackContext,
  { path, files }: PackageFiles,
  dependents: () => readonly PackageFiles[],
): ReadonlySet<string> {
  const manifest = manifestOf(context, path);
  const builds = alternativeBuilds(context, path, manifest, files);
  if (builds.length === 0) return new Set();
  const target: Target = { root: path, names: namesOf(path, manifest?.name) };
  const isBuild = new Set(builds.map((build) => build.path));
  const others = dependents().flatMap((each) => each.files.filter(isSource));
  const inside = sources(
    context,
    files.filter((file) => isSource(file) && !isBuild.has(file)),
  );
  const outside = [applicationSources(context), sources(context, others)];
  const known = outside.filter((each) => each !== undefined).flat();
  if (inside === undefined || outside.includes(undefined)) return new Set();
  if (known.some((source) => opensPackage(source, target))) return new Set();
  const named = builds.filter((build) => known.some((source) => namedOutside(source, build, target)));
  return new Set(unnamed(context, { builds, named, inside, target }).map((build) => build.path));
}

type Search = { builds: readonly Build[]; named: readonly Build[]; inside: readonly Source[]; target: Target };

/** The builds that are left when every one that is named has been looked through for the names of others. */
function unnamed(context: PackContext, { builds, named, inside, target }: Search): readonly Build[] {
  let left = builds;
  let found = named;
  for (let looked = inside; ; looked = []) {
    left = left.filter((build) => !found.includes(build));
    const scripts = found.filter(({ kind }) => kind === "script").map(({ path }) => path);
    const added = sources(context, scripts);
    if (added === undefined) return [];
    const all = [...looked, ...added];
    if (all.length === 0 || left.length === 0) return left;
    if (opensItself(all)) return [];
    found = left.filter((build) => all.some((source) => namedInside(source, build, target)));
  }
}

/** What of a package may name files; without an extension: programs. */
const isSource = (path: string) =>
  /\.(?:[cm]?jsx?|[cm]?tsx?|vue|svelte|json|html?|css)$|\/[^/.]+$/.test(path) && !path.endsWith("/package.json");

/** The name by which a package is installed, and the one that it gives itself. */
function namesOf(path: string, name: string | undefined): string[] {
  const installed = /(?:@[^/]+\/)?[^/]+$/.exec(path)?.[0];
  return [...new Set([installed, name])].filter((each) => each !== undefined && packageName(each) === each).map(String);
}

const applicationSources = oncePerWave((context): Source[] | undefined => {
  const { sources: code, texts, manifests } = nodeFiles(context);
  const words = [...context.commands.flat(), ...context.env, ...context.processes.flatMap(({ argv }) => argv)];
  const isConfig = (path: string) => (context.rootfs.get(path)?.size ?? 0) <= maxConfigBytes;
  const named = [...code, ...texts].filter((path) => /\.(?:[cm]?[jt]sx?|vue|svelte)$/.test(path) || isConfig(path));
  const found = sources(context, [...named, ...manifests.map((directory) => `${directory}/package.json`)]);
  return found && [...found, sourceOf("/command.sh", Buffer.from(words.join("\n"), "latin1"))];
});

/** Undefined when one of the files is not known yet, or never will be. */
function sources(context: PackContext, paths: readonly string[]): Source[] | undefined {
  const found: Source[] = [];
  let isWhole = true;
  for (const path of paths) {
    const entry = context.rootfs.get(path);
    if (entry?.type !== "file" || entry.size === 0) continue;
    const bytes = context.content(path, maxCodeBytes);
    // All are asked for before the first answer, or each would take a wave of its own.
    if (bytes) found.push(sourceOf(path, bytes));
    else isWhole = false;
  }
  return isWhole && found.length <= maxSources ? found : undefined;
}

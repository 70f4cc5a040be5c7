import { posix } from "node:path";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { bytesOf, entriesBelow, namesIn } from "./image-tree.ts";
import { isOwn, namedPackages, nodeFiles } from "./node-application.ts";
import { foreign, packageFiles } from "./node-files.ts";
import { manifestOf, type NodePackage, packageDirectory, resolvePackage } from "./node-resolve.ts";
import { startedBins } from "./node-scripts.ts";
import { spareFiles } from "./node-spare.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";

/** A package manager keeps what was seen of it: whole, npm alone is 12 MB. */
const packageManager = /\/(?:lib\/node_modules|nodejs)\/(?:npm|corepack|pnpm|yarn)(?:\/|$)/;

/** Compilers for one platform that a framework takes for its builds (`@next/swc-linux-x64-gnu`: 120 MB) stay away unless used. */
const maxUnusedBinaryBytes = 64 << 20;

type Found = NodePackage & { by: string; detail: string };

/**
 * Packages of node that were used or that the application's code names, each whole and with its production dependencies.
 *
 * A package is the unit, because what it loads late cannot be seen in the application; `dependencies` that nothing names are
 * left out, as are development dependencies. Rejected: all of node_modules (+68 MB on one image), and the static graph of
 * every module, which needs a file system to resolve and finds the same files as the names do.
 */
export const node: Pack = {
  name: "node",
  seeds: (context) => {
    const bins = startedBins(context);
    return [
      ...bins.map(({ spelled, by }) => byPack("script", spelled, by, "npm script", "run")),
      ...closure(context, [
        ...touchedPackages(context),
        ...namedOnes(context),
        ...bins.flatMap((bin) => packageOf(bin.path, bin.by)),
      ]),
      ...icuData(context),
    ];
  },
  edges: (place, wanted, context) => {
    // A program that something else starts; what was observed is among the seeds.
    if (wanted.use !== "run" || place.entry.type !== "file" || context.isSeen(place.path)) return [];
    return closure(context, packageOf(place.path, place.path));
  },
};

function packageOf(path: string, by: string): Found[] {
  const directory = packageDirectory(path);
  return directory === undefined ? [] : [{ spelled: directory, path: directory, by, detail: "node program" }];
}

function touchedPackages(context: PackContext): Found[] {
  return [...nodeFiles(context).touched].map((path) => ({ spelled: path, path, by: path, detail: "node package" }));
}

function namedOnes(context: PackContext): Found[] {
  return namedPackages(context).flatMap(({ name, by, directory }) => {
    const found = resolvePackage(context, name, directory);
    return found ? [{ ...found, by, detail: "named package" }] : [];
  });
}

/** The files of the packages, and of the packages that these depend on in production. */
function closure(context: PackContext, start: readonly Found[]): Wanted[] {
  const passed = new Set<string>();
  const { touched } = nodeFiles(context);
  const isForeign = foreign(context);
  const wanted: Wanted[] = [];
  const files = new Map<string, Wanted[]>();
  const dependents = new Map<string, string[]>();
  const todo = [...start];
  for (const next of todo) {
    // `todo` grows as we walk it
    if (packageManager.test(next.path)) continue;
    // The same package behind another link is one link more.
    if (next.spelled !== next.path) wanted.push(byPack("unit", next.spelled, next.by, next.detail, "exist"));
    if (passed.has(next.path)) continue;
    passed.add(next.path);
    const manifest = manifestOf(context, next.path);
    const isTouched = touched.has(next.path);
    if (
      manifest?.isPlatformBinary &&
      !isTouched &&
      (isForeign(posix.basename(next.path)) || isLarge(context, next.path))
    )
      continue;
    // A package of the same workspace is application code: its tree is kept, and what it names is looked up from there.
    if (isOwn(context, `${next.path}/package.json`)) continue;
    files.set(next.path, packageFiles(context, next, next.by, next.detail));
    for (const name of manifest ? productionNames(manifest) : []) {
      const found = name.startsWith("@types/") ? undefined : resolvePackage(context, name, next.path);
      if (!found) continue;
      todo.push({ ...found, by: `${next.path}/package.json`, detail: "dependency" });
      dependents.set(found.path, [...(dependents.get(found.path) ?? []), next.path]);
    }
  }
  return [...wanted, ...withoutSpares(context, files, dependents)];
}

/**
 * The files of packages, without other builds of their modules that nobody names.
 * @param dependents directory of a package to those of the packages that declare it
 */
function withoutSpares(
  context: PackContext,
  files: ReadonlyMap<string, readonly Wanted[]>,
  dependents: ReadonlyMap<string, readonly string[]>,
): Wanted[] {
  const kept = (path: string) => ({ path, files: (files.get(path) ?? []).map((file) => file.path) });
  return [...files].flatMap(([path, all]) => {
    const spare = spareFiles(context, kept(path), () => (dependents.get(path) ?? []).map(kept));
    return all.filter((file) => !spare.has(file.path));
  });
}

/** An optional peer is somebody's choice: it counts when the application or another package names it. */
function productionNames(manifest: NonNullable<ReturnType<typeof manifestOf>>): string[] {
  const optional = new Set(manifest.optionalPeers);
  const peers = manifest.peerDependencies.filter((name) => !optional.has(name));
  return [...manifest.dependencies, ...manifest.optionalDependencies, ...peers];
}

function isLarge(context: PackContext, directory: string): boolean {
  return bytesOf(context, entriesBelow(context, directory)) > maxUnusedBinaryBytes;
}

/** The data of the ICU library when a variable or an option says where it is. */
function icuData(context: PackContext): Wanted[] {
  const words = context.processes.flatMap(({ argv }) => argv).concat(context.commands.flat());
  const option = words.map((word) => /^--icu-data-dir=(.+)$/.exec(word)?.[1]);
  return [variable(context.env, "NODE_ICU_DATA"), variable(context.env, "ICU_DATA"), ...option].flatMap((directory) => {
    if (directory === undefined) return [];
    const at = posix.resolve(context.workdir, directory);
    const names = namesIn(context, at).filter((name) => /^icudt\w*\.dat$/.test(name));
    return names.map((name) => byPack("rule", `${at}/${name}`, at, "ICU data"));
  });
}

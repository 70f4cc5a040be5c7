import { resolvePath } from "../../rootfs.ts";
import { apkPackages } from "./apk.ts";
import { dpkgFiles, dpkgPackages } from "./dpkg.ts";
import { oncePerWave } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import type { Package } from "./package-record.ts";
import { rpmPackages } from "./rpm.ts";

/** All packages of all package managers of an image. */
export const installedPackages = oncePerWave((context): readonly Package[] => [
  ...dpkgPackages(context).values(),
  ...apkPackages(context).values(),
  ...rpmPackages(context).values(),
]);

/** Paths of a package with the links of merged directories (/bin → /usr/bin) taken out; they need not exist. */
export function filesOf(context: PackContext, each: Package): readonly string[] {
  const files = each.listedIn.length > 0 ? dpkgFiles(context, each) : each.files;
  const merged = mergedTops(context);
  return files.map((path) => {
    const top = path.slice(0, Math.max(path.indexOf("/", 1), 0));
    const real = merged.get(top);
    return real === undefined ? path : `${real}${path.slice(top.length)}`;
  });
}

/** Top directories that are links; packages spell their paths as before the merge. */
const mergedTops = oncePerWave(({ rootfs, children }) => {
  const tops = (children.get("/") ?? []).map((name) => `/${name}`);
  const linked = tops.filter((path) => rootfs.get(path)?.type === "symlink");
  return new Map(
    linked.flatMap((path) => {
      const found = resolvePath(rootfs, path);
      return "path" in found ? [[path, found.path] as const] : [];
    }),
  );
});

/** The packages among `candidates` that hold these files, by file. Of several the last one stands, as in a diversion. */
export function ownersOf(
  context: PackContext,
  paths: ReadonlySet<string>,
  candidates: readonly Package[],
): Map<string, Package> {
  const owners = new Map<string, Package>();
  if (paths.size === 0) return owners;
  for (const each of candidates) for (const path of filesOf(context, each)) if (paths.has(path)) owners.set(path, each);
  return owners;
}

/**
 * Dependencies, and theirs, that come from the same source or are named after the package: data, modules, languages and common
 * files that were split off.
 */
export function siblingsOf(origin: Package, all: readonly Package[]): Package[] {
  const found = new Set([origin]);
  for (const each of found) for (const next of splitOff(each, origin, all)) found.add(next);
  found.delete(origin);
  return [...found];
}

function splitOff({ source, depends, system }: Package, { name }: Package, all: readonly Package[]): Package[] {
  const asked = new Set(depends);
  return all.filter(
    (each) =>
      each.system === system &&
      (each.source === source || each.name.startsWith(`${name}-`)) &&
      each.name !== name &&
      (asked.has(each.name) || each.provides.some((provided) => asked.has(provided))),
  );
}

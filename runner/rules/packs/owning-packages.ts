import type { Wanted } from "../wanted.ts";
import { apkDatabases } from "./apk.ts";
import { dpkgStatus } from "./dpkg.ts";
import { bytesOf, namesIn, wholeDirectory } from "./image-tree.ts";
import { filesOf, installedPackages } from "./installed.ts";
import { isUsedLocale } from "./main-package.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { pruneClass } from "./prune-class.ts";
import { rpmDatabases } from "./rpm.ts";

/** One package that is larger is not taken as a whole: a browser, a tool chain, a kernel. */
const maxPackageBytes = 256 << 20;

const records = [dpkgStatus, ...apkDatabases, ...rpmDatabases];

/**
 * Profile `package`: the whole package, pruned, of every file that was observed, for images that load plug-ins nobody can
 * foresee. Packages of dpkg, apk and rpm; of npm, Python and Ruby. With them the record of what is installed is kept, so that
 * scanners see it. Not in `safe`: that record is a megabyte, and most of what it names is gone.
 */
export const owningPackages: Pack = {
  name: "owning packages",
  seeds: (context) => [
    ...records.map((path) => byPack("rule", path, "packages", "package record", "exist")),
    ...systemPackages(context),
    ...languagePackages(context),
  ],
};

/** In distroless images each package has its own record: that of a package of which something was used is worth its kilobyte. */
export const packageRecords: Pack = {
  name: "package records",
  seeds: (context) =>
    installedPackages(context)
      .filter((each) => each.listedIn.some((path) => path.includes("/status.d/")))
      .flatMap((each) => {
        const seen = filesOf(context, each).find(context.isSeen);
        if (seen === undefined) return [];
        const paths = each.listedIn.flatMap((path) => [path, path.replace(/\.md5sums$/, "")]);
        return paths.map((path) => byPack("unit", path, seen, "package record", "exist"));
      }),
};

function systemPackages(context: PackContext): Wanted[] {
  return installedPackages(context).flatMap((each) => {
    const files = filesOf(context, each);
    const seen = files.find(context.isSeen);
    if (seen === undefined) return [];
    const kept = files.filter((path) => isFile(path, context) && isUseful(path, context));
    if (bytesOf(context, kept) > maxPackageBytes) return [];
    return kept.map((path) => byPack("unit", path, seen, `package ${each.name}`));
  });
}

const isFile = (path: string, { rootfs }: PackContext) => /^(?:file|symlink)$/.test(rootfs.get(path)?.type ?? "");

function isUseful(path: string, context: PackContext): boolean {
  const part = pruneClass(path);
  return part === undefined || (part === "locale" && isUsedLocale(path, context.env));
}

/** Directories that are packages of a language, by the seen file that is in each. */
function languagePackages(context: PackContext): Wanted[] {
  const units = new Map<string, string>();
  for (const [path, { type }] of context.rootfs) {
    if (type !== "file" || !context.isSeen(path)) continue;
    const unit = languageUnit(path);
    if (unit !== undefined && !units.has(unit)) units.set(unit, path);
  }
  return [...units].flatMap(([unit, seen]) =>
    languageUnitEntries(context, unit).map((path) => byPack("unit", path, seen, "language package")),
  );
}

/** The entries of a package of a language, with what its installer put beside it; not the packages inside of it. */
export function languageUnitEntries(context: PackContext, unit: string): string[] {
  const isOwn = (path: string) =>
    path.slice(unit.length).indexOf("/node_modules") < 0 && !isDead(path.slice(unit.length));
  const parts = [unit, ...besides(unit, context)];
  return parts.flatMap((part) => [part, ...wholeDirectory(context, part, maxPackageBytes, isOwn)]);
}

const isDead = (path: string) =>
  /\/(?:tests?|__tests__|testing|spec|docs?|examples?|locale|\.github)\/|\.(?:md|map|d\.ts|pyi|po|pxd|h|hpp|c|cpp|rbs|a|la)$/.test(
    path,
  );

/** The directory that is one package: the last node_modules/NAME, site-packages/NAME or gems/NAME-VERSION on the path. */
export function languageUnit(path: string): string | undefined {
  return (/^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path) ??
    /^.*\/(?:site|dist)-packages\/[^/]+(?=\/)/.exec(path) ??
    /^.*\/(?:gems\/[^/]+-\d[^/]*|bundler\/gems\/[^/]+-[\da-f]{7,40})(?=\/)/.exec(path))?.[0];
}

/** What the installer put beside a package for it: metadata, bundled libraries, compiled extensions. */
function besides(unit: string, context: PackContext): string[] {
  const cut = unit.lastIndexOf("/");
  const [directory, name] = [unit.slice(0, cut), unit.slice(cut + 1)];
  if (/-packages$/.test(directory)) {
    const plain = (text: string) => text.toLowerCase().replace(/[-_.]+/g, "_");
    return namesIn(context, directory)
      .filter((each) => each === `${name}.libs` || plain(each.replace(/-\d.*$/s, "")) === plain(name))
      .filter((each) => /\.(?:libs|dist-info|egg-info)$/.test(each))
      .map((each) => `${directory}/${each}`);
  }
  if (!directory.endsWith("/gems")) return [];
  const home = directory.slice(0, -"/gems".length);
  const extensions = namesIn(context, `${home}/extensions`).flatMap((platform) =>
    namesIn(context, `${home}/extensions/${platform}`).map((abi) => `${home}/extensions/${platform}/${abi}/${name}`),
  );
  return [`${home}/specifications/${name}.gemspec`, ...extensions];
}

import { posix } from "node:path";
import type { Wanted } from "../wanted.ts";
import { directoryAt, fileAt, filesBelow, perPath, unitBelow } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import { filesOf, installedPackages, ownersOf } from "./installed.ts";
import { byPack, type PackContext } from "./pack.ts";
import type { Package } from "./package-record.ts";
import { classesOfPhp, classFiles, placesInTable } from "./php-classes.ts";
import { includePath } from "./php-ini.ts";
import { pruneClass } from "./prune-class.ts";

/** A library that is larger is kept by its parts alone. */
const maxLibraryBytes = 32 << 20;

const source = /\.(?:php|inc)$/;

export const notForUse =
  /\/(?:tests?|testing|docs?|doc|examples?|samples?|benchmarks?|\.github|\.git|phpstan|psalm)\/|\.(?:md|rst|markdown|dist|neon|stub|phpt|yml\.dist|xml\.dist)$|\/(?:phpunit|psalm|phpstan|infection|\.php[-_]cs)[^/]*$|\/(?:CHANGELOG|UPGRADE|UPGRADING|CONTRIBUTING|README|SECURITY|Makefile|Dockerfile)[^/]*$/i;

/** The directory of the include path that a path lies below. */
const rootAbove = (path: string, context: PackContext) =>
  includePath(context).find((root) => root !== "/" && path.startsWith(`${root}/`));

const classes = perPath((path, context) => classesOfPhp(context.text(path) ?? ""));

/**
 * The classes that a source of the application uses, where the include path has them: their files, and their libraries.
 * An autoloader that was not asked yet would find them there.
 */
export function classEdges(path: string, context: PackContext): Wanted[] {
  return classes(path, context).flatMap((each) => {
    const candidates = classFiles(each).flatMap((file) => includePath(context).map((root) => `${root}/${file}`));
    const found = candidates.flatMap((candidate) => fileAt(context, candidate) ?? [])[0];
    if (found === undefined || found === path) return [];
    return [byPack("named", found, path, "php class"), ...libraryOf(found, path, context)];
  });
}

/** The library of a file below the include path: its autoloader, which names the rest, or the topmost directory there. */
function libraryOf(file: string, by: string, context: PackContext): Wanted[] {
  const root = rootAbove(file, context);
  if (root === undefined) return [];
  for (let at = posix.dirname(file); at.length > root.length; at = posix.dirname(at)) {
    const autoloader = fileAt(context, `${at}/autoload.php`);
    if (autoloader !== undefined) return [byPack("named", autoloader, by, "php library")];
  }
  const [top = ""] = file.slice(root.length + 1).split("/");
  return library(`${root}/${top.replace(source, "")}`, by, context);
}

const library = (directory: string, by: string, context: PackContext) =>
  unitBelow(context, directory, by, "php library", {
    maxBytes: maxLibraryBytes,
    accept: (path) => !notForUse.test(path.slice(directory.length)),
  });

/** Whether a source is the autoloader of a library below the include path, as distributions make them. */
export const isLibraryAutoloader = (path: string, context: PackContext): boolean =>
  path.endsWith("/autoload.php") && rootAbove(path, context) !== undefined;

/** An autoloader brings its library: the data beside its classes is in no table. */
export function autoloaderEdges(path: string, context: PackContext): Wanted[] {
  const directory = posix.dirname(path);
  return includePath(context).includes(directory) ? [] : library(directory, path, context);
}

/** Libraries outside of an application that a table of Composer names by their full paths, as distributions patch them. */
export function tableEdges(path: string, context: PackContext): Wanted[] {
  return placesInTable(context.text(path) ?? "").flatMap((spelled) => {
    const file = fileAt(context, spelled);
    if (file !== undefined) return [byPack("named", file, path, "autoload table")];
    const directory = directoryAt(context, spelled);
    if (directory === undefined || !isLibrary(directory, context)) return [];
    return library(directory, path, context);
  });
}

const isLibrary = (directory: string, context: PackContext) =>
  directory.split("/").length > 3 &&
  !includePath(context).includes(directory) &&
  filesBelow(context, directory).some((path) => source.test(path));

/** Of a package: its PHP sources below the shared directory, and the data beside them. */
const librarySources = perPath((name, context): string[] => {
  const files = installedPackages(context)
    .filter((each) => each.name === name)
    .flatMap((each) => filesOf(context, each))
    .filter((path) => /^\/usr\/(?:local\/)?share\//.test(path) && context.rootfs.get(path)?.type !== "directory");
  return files.some((path) => source.test(path)) ? files : [];
});

/**
 * The PHP libraries that the package of a PHP application depends on: an application that a distribution packages has its
 * libraries in packages of their own, and loads them when a request first needs them.
 */
export const dependencySeeds = oncePerWave((context): Wanted[] => {
  const seen = [...context.rootfs.keys()].filter((path) => source.test(path) && context.isSeen(path));
  const all = installedPackages(context);
  const owners = new Map([...ownersOf(context, new Set(seen), all)].map(([path, owner]) => [owner, path]));
  return [...owners].flatMap(([owner, by]) =>
    librariesOf(owner, all, context).flatMap(({ name }) =>
      librarySources(name, context)
        .filter((path) => pruneClass(path) === undefined && !notForUse.test(path))
        .map((path) => byPack("unit", path, by, `package ${name}`)),
    ),
  );
});

/** Dependencies with PHP sources, and theirs. */
function librariesOf(owner: Package, all: readonly Package[], context: PackContext): Package[] {
  const found = new Set([owner]);
  for (const each of found) {
    // `found` grows as we walk it
    const asked = new Set(each.depends);
    for (const next of all) {
      const isAsked = asked.has(next.name) || next.provides.some((provided) => asked.has(provided));
      if (isAsked && next.system === owner.system && librarySources(next.name, context).length > 0) found.add(next);
    }
  }
  found.delete(owner);
  return [...found];
}

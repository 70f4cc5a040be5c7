import { posix } from "node:path";
import type { Wanted } from "../wanted.ts";
import { childPaths, directoryAt, fileAt, perPath, ran, unitBelow } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { extensionDirectories, hasSeen, includePath, iniDirectories, iniEdges, iniFiles, setting } from "./php-ini.ts";
import {
  autoloaderEdges,
  classEdges,
  dependencySeeds,
  isLibraryAutoloader,
  notForUse,
  tableEdges,
} from "./php-libraries.ts";
import { type PhpInclude, parseComposerLock, parseInstalled, scanPhp } from "./php-source.ts";

const isPhp = oncePerWave(
  (context) =>
    ran(context, /^(?:php[\d.]*|php-?fpm[\d.]*|php-?cgi[\d.]*|frankenphp|lsphp|roadrunner|rr)$/) ||
    extensionDirectories(context).some((directory) => hasSeen(directory, context)),
);

const scanned = perPath((path, context) => scanPhp(context.text(path) ?? ""));

function target(path: string, { from, name }: PhpInclude, context: PackContext): string | undefined {
  const directory = posix.dirname(path);
  if (from === "here") return fileAt(context, posix.resolve(directory, name));
  if (name.startsWith("/")) return fileAt(context, name);
  const found = [directory, ...includePath(context), context.workdir].map((at) =>
    fileAt(context, posix.resolve(at, name)),
  );
  const first = found.find((each) => each !== undefined);
  if (first !== undefined || from === "path") return first;
  // Behind a constant or a variable stands the root of the application, which is above the file.
  for (let at = posix.dirname(directory); at.length > 1; at = posix.dirname(at)) {
    const above = fileAt(context, posix.join(at, name));
    if (above !== undefined) return above;
  }
  return undefined;
}

function isSource(path: string, context: PackContext): boolean {
  if (/\.(?:php\d?|inc|phtml|module|install|theme|ctp|tpl\.php)$/i.test(path)) return true;
  return (
    !posix.basename(path).includes(".") && context.isApplication(path) && /^#!.*\bphp/.test(context.text(path) ?? "")
  );
}

/** Of an application and of what was used every include counts; of the rest those that it builds from its own place. */
function sourceEdges(path: string, context: PackContext): Wanted[] {
  const isIntent = context.isApplication(path) || context.isSeen(path);
  const isAutoloader = isLibraryAutoloader(path, context);
  const includes = scanned(path, context)
    .filter(({ from }) => isIntent || isAutoloader || from === "here")
    .flatMap((include) => {
      const to = target(path, include, context);
      return to === undefined || to === path || !isKept(to) ? [] : [byPack("script", to, path, "php include")];
    });
  return [
    ...includes,
    ...(isIntent ? classEdges(path, context) : []),
    ...(isAutoloader ? autoloaderEdges(path, context) : []),
    ...(/\/composer\/autoload_\w+\.php$/.test(path) ? tableEdges(path, context) : []),
  ];
}

/** Something that only tests include is named by tables of autoloaders as well. */
function isKept(path: string): boolean {
  return !/\/(?:tests?|phpunit)\//i.test(path);
}

/** Composer's tables of an application, and its production packages without tests and documents. */
function composer(vendor: string, context: PackContext): Wanted[] {
  const tables = childPaths(context, `${vendor}/composer`, /\.(?:php|json)$/);
  const by = `${vendor}/composer/installed.json`;
  const list = context.text(by, 16 << 20);
  const lock = context.text(`${posix.dirname(vendor)}/composer.lock`, 16 << 20);
  const production = lock === undefined ? undefined : new Set(parseComposerLock(lock));
  const installed = parseInstalled(list ?? "").filter(
    ({ name, isDevelopment }) => !isDevelopment && (production === undefined || production.has(name)),
  );
  const places = installed.map(({ installPath }) => posix.resolve(`${vendor}/composer`, installPath));
  const listed = list === undefined ? [...(production ?? [])].map((name) => `${vendor}/${name}`) : places;
  return [
    byPack("unit", `${vendor}/autoload.php`, by, "composer"),
    ...tables.map((path) => byPack("unit", path, by, "composer")),
    ...listed
      .flatMap((place) => directoryAt(context, place) ?? [])
      .filter((place) => place.length > 1 && !vendor.startsWith(`${place}/`))
      .flatMap((place) =>
        unitBelow(context, place, by, "production package", {
          maxBytes: 256 << 20,
          accept: (path) => context.isSeen(path) || !notForUse.test(path.slice(place.length)),
          enter: (at, name) => !(at === place && /^(?:tests?|docs?|examples?|\.\w+)$/i.test(name)),
        }),
      ),
  ];
}

const vendors = oncePerWave((context) =>
  [...context.children]
    .filter(([path, names]) => path.endsWith("/composer") && names.includes("autoload_real.php"))
    .map(([path]) => posix.dirname(path))
    .filter((vendor) => {
      const used = ["autoload.php", "composer/autoload_real.php", "composer/ClassLoader.php"];
      return (
        used.some((name) => context.isSeen(`${vendor}/${name}`)) ||
        context.isApplication(`${posix.dirname(vendor)}/composer.json`)
      );
    }),
);

/** PHP: ini files with their extensions and files, includes, Composer's production packages, libraries of the distribution. */
export const php: Pack = {
  name: "php",
  seeds(context) {
    if (!isPhp(context)) return [];
    const ini = iniDirectories(context).flatMap((directory) =>
      childPaths(context, directory, /^(?!php\.ini-).*(?:\.ini|\.conf)$/),
    );
    const sessions = setting("session.save_path", context)?.split(";").at(-1) ?? "/var/lib/php/sessions";
    return [
      ...ini.map((path) => byPack("rule", path, "php", "ini files")),
      byPack("rule", sessions, "php", "sessions", "exist"),
      ...vendors(context).flatMap((vendor) => composer(vendor, context)),
      ...dependencySeeds(context),
    ];
  },
  edges({ path, entry }, _wanted, context) {
    if (entry.type !== "file" || !isPhp(context)) return [];
    if (iniFiles(context).includes(path)) return iniEdges(path, context);
    return isSource(path, context) ? sourceEdges(path, context) : [];
  },
};

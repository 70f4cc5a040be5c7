import { posix } from "node:path";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { childPaths, directoryAt, fileAt, perPath, ran, unitBelow } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { type PhpInclude, parseComposerLock, parseIni, parseInstalled, scanPhp } from "./php-source.ts";

const isPhp = oncePerWave(
  (context) =>
    ran(context, /^(?:php[\d.]*|php-?fpm[\d.]*|php-?cgi[\d.]*|frankenphp|lsphp|roadrunner|rr)$/) ||
    extensionDirectories(context).some((directory) => hasSeen(directory, context)),
);

/** Where the extensions of each PHP of the image are, also of one inside a web server: `20220829`, `no-debug-non-zts-20220829`. */
const extensionDirectories = oncePerWave((context) =>
  [...context.children.keys()].filter((path) =>
    /\/php\d*(?:\/[\d.]+)?\/(?:extensions\/[\w-]+|(?:no-)?debug-[\w-]+|20\d{6}(?:[-+]\w+)?|modules)$/.test(path),
  ),
);

function hasSeen(directory: string, context: PackContext): boolean {
  return (context.children.get(directory) ?? []).some((name) =>
    context.isSeen(fileAt(context, `${directory}/${name}`) ?? ""),
  );
}

/** Directories of ini files that are in use: in each of them PHP reads every file when it starts. */
const iniDirectories = oncePerWave((context): string[] => {
  const named = [variable(context.env, "PHP_INI_SCAN_DIR") ?? "", variable(context.env, "PHPRC") ?? ""];
  const given = named.flatMap((list) => list.split(":")).filter((path) => path.startsWith("/"));
  const usual = [...context.children.keys()].filter((path) =>
    /^\/(?:usr\/local\/)?etc\/php\d*(?:\/|$)|^\/etc\/php\.d$|^\/opt\/.*\/php\d*(?:\/.*)?\/conf\.d$/.test(path),
  );
  const found = [...given, ...usual].flatMap((path) => directoryAt(context, path) ?? []);
  return [...new Set(found)].filter((path) => hasSeen(path, context) && !/\/mods-available$/.test(path));
});

const iniFiles = oncePerWave((context) =>
  iniDirectories(context)
    .flatMap((directory) => childPaths(context, directory, /^(?!php\.ini-).*(?:\.ini|\.conf)$/))
    .flatMap((path) => fileAt(context, path) ?? []),
);

const iniOf = perPath((path, context) => parseIni(context.text(path) ?? ""));

/** The last word of the ini files on a setting. */
function setting(name: string, context: PackContext): string | undefined {
  return iniFiles(context)
    .flatMap((path) => iniOf(path, context))
    .findLast((each) => each.name === name)?.value;
}

function iniEdges(path: string, context: PackContext): Wanted[] {
  const directories = [setting("extension_dir", context) ?? "", ...extensionDirectories(context)].filter(
    (directory, at) => directory.startsWith("/") && (at === 0 || hasSeen(directory, context)),
  );
  return iniOf(path, context).flatMap(({ name, value }) => {
    if (/^(?:zend_)?extension$/.test(name)) {
      const names = value.startsWith("/")
        ? [value]
        : directories.flatMap((at) => [`${at}/${value}`, `${at}/${value}.so`]);
      return names.map((each) => byPack("named", each, path, "php extension"));
    }
    // Libraries, certificates, a browser table, preloaded sources; directories only so that they are there.
    const paths = value.split(/[:\s]/).filter((each) => /^\/[\w./+-]{3,}$/.test(each));
    return paths.map((each) => byPack("named", each, path, `ini ${name}`, fileAt(context, each) ? "load" : "exist"));
  });
}

/** Where `include "x.php"` looks after the including file's directory. */
const includePath = oncePerWave((context): string[] => {
  const given = setting("include_path", context)?.split(":") ?? ["/usr/share/php", "/usr/local/lib/php"];
  return [...given.filter((path) => path.startsWith("/")), context.workdir].flatMap(
    (path) => directoryAt(context, path) ?? [],
  );
});

const scanned = perPath((path, context) => scanPhp(context.text(path) ?? ""));

function target(path: string, { from, name }: PhpInclude, context: PackContext): string | undefined {
  const directory = posix.dirname(path);
  if (from === "here") return fileAt(context, posix.resolve(directory, name));
  if (name.startsWith("/")) return fileAt(context, name);
  const found = [directory, ...includePath(context)].map((at) => fileAt(context, posix.resolve(at, name)));
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
  return scanned(path, context)
    .filter(({ from }) => isIntent || from === "here")
    .flatMap((include) => {
      const to = target(path, include, context);
      return to === undefined || to === path || !isKept(to) ? [] : [byPack("script", to, path, "php include")];
    });
}

const notForUse =
  /\/(?:tests?|testing|docs?|doc|examples?|samples?|benchmarks?|\.github|\.git|phpstan|psalm)\/|\.(?:md|rst|markdown|dist|neon|stub|phpt|yml\.dist|xml\.dist)$|\/(?:phpunit|psalm|phpstan|infection|\.php[-_]cs)[^/]*$|\/(?:CHANGELOG|UPGRADE|UPGRADING|CONTRIBUTING|README|SECURITY|Makefile|Dockerfile)[^/]*$/i;

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

/** PHP: ini files with their extensions and files, includes, Composer's production packages. */
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
    ];
  },
  edges({ path, entry }, _wanted, context) {
    if (entry.type !== "file" || !isPhp(context)) return [];
    if (iniFiles(context).includes(path)) return iniEdges(path, context);
    return isSource(path, context) ? sourceEdges(path, context) : [];
  },
};

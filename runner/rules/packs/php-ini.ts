import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { childPaths, directoryAt, fileAt, perPath } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type PackContext } from "./pack.ts";
import { parseIni } from "./php-source.ts";

/** Where the extensions of each PHP of the image are, also of one inside a web server: `20220829`, `no-debug-non-zts-20220829`. */
export const extensionDirectories = oncePerWave((context) =>
  [...context.children.keys()].filter((path) =>
    /\/php\d*(?:\/[\d.]+)?\/(?:extensions\/[\w-]+|(?:no-)?debug-[\w-]+|20\d{6}(?:[-+]\w+)?|modules)$/.test(path),
  ),
);

export function hasSeen(directory: string, context: PackContext): boolean {
  return (context.children.get(directory) ?? []).some((name) =>
    context.isSeen(fileAt(context, `${directory}/${name}`) ?? ""),
  );
}

/** Directories of ini files that are in use: in each of them PHP reads every file when it starts. */
export const iniDirectories = oncePerWave((context): string[] => {
  const named = [variable(context.env, "PHP_INI_SCAN_DIR") ?? "", variable(context.env, "PHPRC") ?? ""];
  const given = named.flatMap((list) => list.split(":")).filter((path) => path.startsWith("/"));
  const usual = [...context.children.keys()].filter((path) =>
    /^\/(?:usr\/local\/)?etc\/php\d*(?:\/|$)|^\/etc\/php\.d$|^\/opt\/.*\/php\d*(?:\/.*)?\/conf\.d$/.test(path),
  );
  const found = [...given, ...usual].flatMap((path) => directoryAt(context, path) ?? []);
  return [...new Set(found)].filter((path) => hasSeen(path, context) && !/\/mods-available$/.test(path));
});

export const iniFiles = oncePerWave((context) =>
  iniDirectories(context)
    .flatMap((directory) => childPaths(context, directory, /^(?!php\.ini-).*(?:\.ini|\.conf)$/))
    .flatMap((path) => fileAt(context, path) ?? []),
);

const iniOf = perPath((path, context) => parseIni(context.text(path) ?? ""));

/** The last word of the ini files on a setting. */
export function setting(name: string, context: PackContext): string | undefined {
  return iniFiles(context)
    .flatMap((path) => iniOf(path, context))
    .findLast((each) => each.name === name)?.value;
}

export function iniEdges(path: string, context: PackContext): Wanted[] {
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
export const includePath = oncePerWave((context): string[] => {
  const given = setting("include_path", context)?.split(":") ?? ["/usr/share/php", "/usr/local/lib/php"];
  return given.filter((path) => path.startsWith("/")).flatMap((path) => directoryAt(context, path) ?? []);
});

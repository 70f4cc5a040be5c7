import { posix } from "node:path";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { entriesBelow, libraryName, oncePerWave, wholeDirectory } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";

/**
 * Libraries that draw text and choose the font by themselves. Their names are whole: `libgdbm` and `libgssapi_krb5` begin as
 * `libgd` and `libgs` do.
 */
const drawing =
  /^lib(?:fontconfig|cairo(?:-gobject|-script-interpreter)?|pango\w*|rsvg|gd|gs|Magick(?:Core|Wand|\+\+)[-.\w]*|GraphicsMagick[-+\w]*|poppler(?:-\w+)?|gvplugin_\w+|fontmanager|wmflite|Imlib2|wkhtmltox|vips)$/;

/** Where packages of the distribution put fonts. */
const systemDirectories = ["/usr/share/fonts", "/usr/share/X11/fonts", "/usr/X11R6/lib/X11/fonts"];

/** Where nobody but the author of the image puts them. */
const ownDirectories = ["/usr/local/share/fonts", ".fonts", ".local/share/fonts"];

const configurationDirectories = ["/etc/fonts", "/usr/local/etc/fonts"];

/** Fontconfig says so on standard error when it can write none of its caches, so the directory stays, without the caches. */
const cacheDirectory = "/var/cache/fontconfig";

const maxConfigurationBytes = 2 << 20;
const maxSystemBytes = 5 << 20;
const maxOwnBytes = 32 << 20;

/** What fontconfig's rules ask for first: these two families stand in for every generic name. */
const preferred = [
  /^DejaVu ?Sans(?:\.|-Bold\.)/i,
  /^DejaVu/i,
  /^Liberation(?:Sans|Mono|Serif)-(?:Regular|Bold)\./i,
  /^Liberation/i,
];

const fontFile = /\.(?:ttf|otf|ttc|otc|pfb|t1|pcf|pcf\.gz|afm)$/i;

/**
 * A library that draws text is kept → the configuration of fontconfig and the fonts that it can choose: what the author of the
 * image added, and of the distribution's up to 5 MB, what is asked for by a generic name first. Its caches are not: they are made
 * anew, and are wrong when fonts are gone.
 */
export const fonts: Pack = {
  name: "fonts",
  edges(place, wanted, context) {
    if (place.entry.type !== "file" || wanted.use === "exist") return [];
    const library = libraryName(place.path);
    if (library === undefined || !drawing.test(library)) return [];
    return defaultFonts(context).map((path) => wantedFont(path, place.path));
  },
};

const defaultFonts = oncePerWave((context) => fontFiles(context, maxSystemBytes));

/** The same for a program that brings its own library: `by` draws text, with fonts of the distribution up to `maxBytes`. */
export function fontsOf(by: string, maxBytes: number, context: PackContext): Wanted[] {
  return fontFiles(context, maxBytes).map((path) => wantedFont(path, by));
}

const wantedFont = (path: string, by: string): Wanted =>
  byPack("rule", path, by, "fonts", path === cacheDirectory ? "exist" : "load");

function fontFiles(context: PackContext, maxBytes: number): string[] {
  const homes = new Set(["/root", variable(context.env, "HOME") ?? "/root"]);
  const own = ownDirectories.flatMap((directory) =>
    directory.startsWith("/") ? [directory] : [...homes].map((home) => `${home}/${directory}`),
  );
  return [
    ...configuration(context),
    ...chosen(own, maxOwnBytes, context),
    ...chosen(systemDirectories, maxBytes, context),
    cacheDirectory,
  ];
}

function configuration(context: PackContext): string[] {
  const named = ["FONTCONFIG_PATH", "FONTCONFIG_FILE"].flatMap((name) => variable(context.env, name) ?? []);
  const own = named.filter((path) => path.startsWith("/"));
  // /usr/share/fontconfig/conf.avail comes by the links in /etc/fonts/conf.d: what is not linked there is not in use.
  return [
    ...own,
    "/usr/share/xml/fontconfig/fonts.dtd",
    ...[...configurationDirectories, ...own].flatMap((directory) =>
      wholeDirectory(context, directory, maxConfigurationBytes),
    ),
  ];
}

/** As many fonts as fit, in order of use; the first one in any case, because without one nothing can be drawn. */
function chosen(directories: readonly string[], maxBytes: number, context: PackContext): string[] {
  const found = directories
    .flatMap((directory) => entriesBelow(context, directory))
    .filter((path) => context.rootfs.get(path)?.type === "file" && fontFile.test(path));
  const ranked = found
    .map((path) => ({ path, rank: rankOf(path), bytes: context.rootfs.get(path)?.size ?? 0 }))
    .sort((a, b) => a.rank - b.rank || a.bytes - b.bytes);
  let sum = 0;
  return ranked.flatMap(({ path, bytes }, at) => {
    if (at > 0 && sum + bytes > maxBytes) return [];
    sum += bytes;
    return [path];
  });
}

/** The first families before the others, and upright faces of normal weight before bold and slanted ones. */
function rankOf(path: string): number {
  const name = posix.basename(path);
  const rank = preferred.findIndex((pattern) => pattern.test(name));
  if (rank >= 0) return rank;
  return /(?:regular|[a-z]R|-?book)\.|^[^-]+\.\w+$/i.test(name) ? preferred.length : preferred.length + 1;
}

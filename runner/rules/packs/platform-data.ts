import { posix } from "node:path";
import { variable } from "../program.ts";
import { entriesBelow, libraryName, namesIn, wholeDirectory } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";

/**
 * What one library opens by itself, and when depends on the input: a format, a language, a map projection, a way to log in.
 * `LIB` is the directory of the library, one `*` at the end of a name stands for any text. A directory is kept whole or, when it is larger
 * than `maxBytes` (4 MiB), not at all.
 */
type Row = { library: RegExp; paths: readonly string[]; maxBytes?: number; without?: RegExp };

const mega = 1 << 20;

const rows: readonly Row[] = [
  {
    library: /^libMagickCore/,
    paths: ["/etc/ImageMagick-*", "/usr/share/ImageMagick-*", "LIB/ImageMagick-*"],
    maxBytes: 8 * mega,
    // Formats of photographs, films and screens, whose libraries are larger than ImageMagick: 24 MB for HEIC alone.
    without: /\/coders\/(?:heic|jxl|exr|djvu|dng|wmf|pango|flif|x|xwd)\.(?:so|la)$/,
  },
  { library: /^libGraphicsMagick/, paths: ["LIB/GraphicsMagick-*", "/usr/share/GraphicsMagick-*"] },
  { library: /^libgdk_pixbuf$/, paths: ["LIB/gdk-pixbuf-*", "/usr/share/mime/mime.cache"] },
  {
    library: /^libgio$/,
    paths: ["/usr/share/glib-2.0/schemas/gschemas.compiled", "/usr/share/mime/mime.cache", "LIB/gio/modules"],
  },
  {
    library: /^libgs$/,
    paths: ["/usr/share/ghostscript", "/usr/share/color/icc/ghostscript", "/etc/ghostscript", "/var/lib/ghostscript"],
    maxBytes: 16 * mega,
  },
  // Which of the character maps a document needs, only the document tells.
  { library: /^libpoppler$/, paths: ["/usr/share/poppler"], maxBytes: 16 * mega },
  {
    library: /^libgvc$/,
    paths: ["LIB/graphviz", "/usr/lib/graphviz"],
    without: /libgvplugin_(?:gtk|gdk|xlib|visio|poppler|rsvg|lasi)\b/,
  },
  {
    library: /^libtesseract$/,
    paths: ["/usr/share/tesseract-ocr", "/usr/share/tessdata", "/usr/local/share/tessdata"],
    maxBytes: 128 * mega,
  },
  { library: /^libhunspell$/, paths: ["/usr/share/hunspell", "/usr/share/myspell"], maxBytes: 16 * mega },
  { library: /^libaspell$/, paths: ["/usr/lib/aspell*", "LIB/aspell*", "/var/lib/aspell"], maxBytes: 16 * mega },
  { library: /^libenchant$/, paths: ["LIB/enchant*", "/usr/share/enchant*"] },
  { library: /^libproj$/, paths: ["/usr/share/proj/proj.db", "/usr/share/proj/proj.ini"] },
  { library: /^libproj$/, paths: ["/usr/share/proj"], maxBytes: 32 * mega },
  { library: /^libgdal$/, paths: ["/usr/share/gdal"], maxBytes: 8 * mega },
  {
    library: /^lib(?:maxminddb|GeoIP)$/,
    paths: ["/usr/share/GeoIP", "/usr/local/share/GeoIP", "/var/lib/GeoIP"],
    maxBytes: 96 * mega,
  },
  { library: /^libnetsnmp$/, paths: ["/usr/share/snmp", "/etc/snmp/snmp.conf"], maxBytes: 8 * mega },
  // Ways to log in. The one that looks up users in a Berkeley database would pull in that database.
  { library: /^libsasl2$/, paths: ["LIB/sasl2", "/usr/lib/sasl2"], without: /\/libsasldb\./ },
  { library: /^lib(?:mariadb|mysqlclient)$/, paths: ["LIB/libmariadb3/plugin", "LIB/mariadb*/plugin"] },
  { library: /^libldap(?:_r)?$/, paths: ["/etc/ldap/ldap.conf", "/etc/openldap/ldap.conf"] },
  { library: /^libkrb5$/, paths: ["/etc/krb5.conf", "/etc/krb5.conf.d"] },
  { library: /^libodbc$/, paths: ["/etc/odbc.ini", "/etc/odbcinst.ini", "LIB/odbc"], maxBytes: 8 * mega },
  { library: /^libxml2$/, paths: ["/etc/xml"] },
  // Families of libraries for graphics processors: which member is opened, only a machine that has one tells.
  { library: /^libcudnn$/, paths: ["LIB/libcudnn_*"] },
  { library: /^libnvrtc$/, paths: ["LIB/libnvrtc-builtins*"] },
  { library: /^libnvinfer$/, paths: ["LIB/libnvinfer_*"] },
  {
    library: /^libQt[56]Gui$/,
    paths: ["LIB/qt*/plugins/platforms", "LIB/qt*/plugins/imageformats"],
    // Without a screen these two draw; the others bring X, Wayland and their libraries.
    without: /\/platforms\/(?!libq(?:offscreen|minimal)\.so)/,
  },
];

/** Variables that name the directory of such data, and the library that reads them. */
const named: readonly (readonly [string, RegExp, number])[] = [
  ["TESSDATA_PREFIX", /^libtesseract$/, 128 * mega],
  ["PROJ_LIB", /^libproj$/, 32 * mega],
  ["PROJ_DATA", /^libproj$/, 32 * mega],
  ["GDAL_DATA", /^libgdal$/, 8 * mega],
  ["MAGICK_CONFIGURE_PATH", /^libMagickCore/, 4 * mega],
];

/** Archives for the linker, and headers. */
const forBuilds = /\.(?:a|h|hpp)$/;

/** Data and plug-ins of the system's libraries, as far as they are needed on some input and small. */
export const platformData: Pack = {
  name: "platform data",
  edges(place, wanted, context) {
    if (place.entry.type !== "file" || wanted.use === "exist") return [];
    const library = libraryName(place.path);
    if (library === undefined) return [];
    const ofTable = rows
      .filter((row) => row.library.test(library))
      .flatMap((row) => row.paths.flatMap((path) => dataAt(path, row, posix.dirname(place.path), context)));
    const ofEnvironment = named.flatMap(([name, pattern, maxBytes]) => {
      const path = pattern.test(library) ? variable(context.env, name) : undefined;
      return path?.startsWith("/") ? dataAt(path, { maxBytes }, "/", context) : [];
    });
    return [...ofTable, ...ofEnvironment].map((path) => byPack("rule", path, place.path, `data of ${library}`));
  },
};

/** A file as it is spelled, or all that is in a directory. */
function dataAt(
  spelled: string,
  { maxBytes = 4 * mega, without }: Pick<Row, "maxBytes" | "without">,
  library: string,
  context: PackContext,
): string[] {
  const accept = (path: string) => !forBuilds.test(path) && !without?.test(path);
  return spellings(spelled.replace(/^LIB(?=\/)/, library), context).flatMap((path) =>
    entriesBelow(context, path).length === 0 ? [path] : wholeDirectory(context, path, maxBytes, accept),
  );
}

// `/a/b-*`, with more behind it or not, as it is in the image; a path without a star stands for itself.
function spellings(pattern: string, context: PackContext): string[] {
  const star = pattern.indexOf("*");
  if (star < 0) return [pattern];
  const end = pattern.indexOf("/", star);
  const directory = posix.dirname(pattern.slice(0, star + 1));
  const prefix = posix.basename(pattern.slice(0, star + 1)).slice(0, -1);
  const rest = end < 0 ? "" : pattern.slice(end);
  return namesIn(context, directory)
    .filter((name) => name.startsWith(prefix))
    .map((name) => `${directory}/${name}${rest}`);
}

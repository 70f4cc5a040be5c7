import { posix } from "node:path";
import type { Place } from "../place.ts";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { libraryName, realPath } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";

const terminals = ["xterm", "xterm-256color", "linux", "vt100", "screen", "tmux-256color", "ansi", "dumb"];

const terminfoDirectories = ["/etc/terminfo", "/lib/terminfo", "/usr/lib/terminfo", "/usr/share/terminfo"];

const magicFiles = [
  "/etc/magic",
  "/etc/magic.mime",
  "/usr/share/misc/magic.mgc",
  "/usr/share/misc/magic",
  "/usr/share/file/magic.mgc",
  "/usr/lib/file/magic.mgc",
  "/usr/local/share/misc/magic.mgc",
];

/** Types by file name: what web servers, Python's mimetypes, Go's mime and Perl's MIME::Types read. */
const mimeFiles = [
  "/etc/mime.types",
  "/etc/apache2/mime.types",
  "/etc/apache/mime.types",
  "/etc/httpd/conf/mime.types",
];

const webServers =
  /^(?:nginx|apache2|httpd|lighttpd|caddy|thttpd|mini_httpd|cherokee|h2o|hiawatha|uwsgi\w*|unitd|haproxy)$/;

const minProgramBytes = 1 << 20;
const maxProgramBytes = 48 << 20;

/** Data that a library or module reads by a fixed name as soon as one of its functions is used. */
export const dataFiles: Pack = {
  name: "data files",
  edges(place, wanted, context) {
    if (place.entry.type !== "file") return [];
    const { path } = place;
    // A module of Python may be loaded from its .pyc, and then the source is only looked at.
    if (/\/mimetypes(?:\.[\w-]+)?\.pyc?$/.test(path)) return files(mimeFiles, path, "mime types");
    if (wanted.use === "exist") return [];
    const library = libraryName(path);
    if (library !== undefined && /^lib(?:tinfo|ncurses|curses)\w*$/.test(library)) return terminfo(path, context);
    if (library === "libmagic") return files(magicFiles, path, "magic");
    if (/\/MIME\/Types\.pm$/.test(path)) return files(mimeFiles, path, "mime types");
    if (webServers.test(posix.basename(path)) || namesMimeTypes(place, wanted, context))
      return files(mimeFiles, path, "mime types");
    return [];
  },
};

function files(paths: readonly string[], by: string, detail: string): Wanted[] {
  return paths.map((path) => byPack("rule", path, by, detail));
}

/** Entries stand below their first letter, or below its code in hex. */
function terminfo(by: string, context: PackContext): Wanted[] {
  const own = variable(context.env, "TERMINFO");
  const directories = [...(own?.startsWith("/") ? [own] : []), ...terminfoDirectories].filter(
    (directory) => realPath(context, directory) !== undefined,
  );
  const term = variable(context.env, "TERM") ?? "";
  const names = [...terminals, ...(/^[\w.+-]{1,64}$/.test(term) ? [term] : [])];
  return directories.flatMap((directory) =>
    names.flatMap((name) =>
      [name.slice(0, 1), name.charCodeAt(0).toString(16)].map((letter) =>
        byPack("rule", `${directory}/${letter}/${name}`, by, "terminfo"),
      ),
    ),
  );
}

/** A static program (Go) has the path of the types in it when it serves files. */
function namesMimeTypes({ path, entry }: Place, { use }: Wanted, context: PackContext): boolean {
  if (use !== "run" || entry.size < minProgramBytes || entry.size > maxProgramBytes || !context.isApplication(path))
    return false;
  return context.content(path, maxProgramBytes)?.includes("/etc/mime.types") ?? false;
}

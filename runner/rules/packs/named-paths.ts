import { posix } from "node:path";
import { type Entry, resolvePath } from "../../rootfs.ts";
import type { Place } from "../place.ts";
import type { Wanted } from "../wanted.ts";
import { pathsInBinary } from "./binary-paths.ts";
import { classStrings } from "./class-strings.ts";
import { classesOf } from "./java-archive.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { isText, pathsIn } from "./path-text.ts";
import {
  isBinaryName,
  isBuildTool,
  isForDevelopers,
  isListing,
  isSystemDirectory,
  isSystemFile,
  isSystemSecret,
} from "./system-paths.ts";
import { isRuntimeTree, wholeDirectory } from "./tree.ts";

const maxTextBytes = 1 << 20;
const maxBinaryBytes = 48 << 20;
/** A file that is larger is data, and data that nobody opened is not missed by a name alone. */
const maxNamedBytes = 64 << 20;
/** A directory that code names: what configuration names may be larger, and is the application's by `applicationDirectories`. */
const maxDirectoryBytes = 4 << 20;

const isCompiledJava = /\.(jar|war|class)$/;

/** Places where programs leave something: the directory is kept, not what lies in it. */
const written = /^\/(run|tmp)\/|^\/var\/(cache|lock|log|mail|run|spool|tmp)\//;
const output = /\.(log|pid|lock|sock|socket)$/;

/** What a server could switch on and did not: it is configuration only by the link that enables it, and then it was read. */
const available = /^\/etc\/[^/]+\/(?:\w+-)?available\//;

/** Whether paths that stand in this file are wishes of the application: its own files, and configuration that was read. */
function speaks({ path, entry }: Place, { use }: Wanted, context: PackContext): boolean {
  if (use === "exist" || entry.type !== "file" || entry.size < 3 || isListing(path) || isForDevelopers(path))
    return false;
  if (available.test(path) && !context.isSeen(path)) return false;
  if (context.isApplication(path)) return true;
  return context.isSeen(path) && /^\/(usr\/local\/)?etc\/[^/]+\//.test(path) && !isSystemDirectory(posix.dirname(path));
}

/**
 * Absolute paths that stand in the application's own files and in configuration that was read: files are kept (programs to be
 * started), small directories whole, system directories never. Of a path that is written (a log, a socket) the directory is kept.
 *
 * Not secrets of the system, whoever names them. A private key is kept when it is named by its full path: a server does not
 * start without the key of its certificate.
 */
export const namedPaths: Pack = {
  name: "named-paths",
  edges: (place, wanted, context) => {
    if (!speaks(place, wanted, context)) return [];
    if (isCompiledJava.test(place.path)) return namedInClasses(place.path, context);
    if (isBinaryName(place.path)) return [];
    const isProgram = (place.entry.mode & 0o111) !== 0 && wanted.use === "run";
    const bytes = context.content(place.path, isProgram ? maxBinaryBytes : maxTextBytes);
    if (!bytes) return [];
    if (!isText(bytes))
      return isProgram ? pathsInBinary(context, bytes).flatMap((path) => kept(context, path, place.path)) : [];
    if (bytes.length > maxTextBytes) return [];
    const text = context.text(place.path, maxTextBytes) ?? "";
    return pathsIn(text).flatMap(({ path, isOpen }) => named(context, path, isOpen, place.path));
  },
};

/** Strings of classes stand in them as they are; a jar has them packed. */
function namedInClasses(path: string, context: PackContext): Wanted[] {
  const bytes = context.content(path, maxBinaryBytes);
  if (!bytes) return [];
  const classes = path.endsWith(".class") ? [bytes] : classesOf(bytes);
  return classes.flatMap((each) => {
    const { literals } = classStrings(each);
    const paths = literals.flatMap((text) => (text.startsWith("/") ? pathsIn(`"${text}"`) : []));
    return paths.flatMap(({ path: spelled, isOpen }) => named(context, spelled, isOpen, path));
  });
}

function named(context: PackContext, spelled: string, isOpen: boolean, by: string): Wanted[] {
  const found = resolvePath(context.rootfs, spelled);
  if ("missing" in found)
    return output.test(spelled) ? [byPack("named", posix.dirname(spelled), by, "written there", "exist")] : [];
  if (isOpen && found.entry.type !== "directory") return [];
  return kept(context, spelled, by);
}

function kept(context: PackContext, spelled: string, by: string): Wanted[] {
  const found = resolvePath(context.rootfs, spelled);
  if ("missing" in found || isSystemSecret(found.path) || isSystemSecret(spelled)) return [];
  const { entry, path } = found;
  if (entry.type === "directory") return directory(context, spelled, path, by);
  // What is written to is not read: the file that the image has there decides nothing, but its directory and owner do.
  if (written.test(path)) return [byPack("named", spelled, by, "written there", "exist")];
  if (entry.type !== "file" || isListing(path) || entry.size > maxNamedBytes || isTool(entry)) return [];
  return [byPack("named", spelled, by, "path", (entry.mode & 0o111) !== 0 ? "run" : "load")];
}

/** Build tools and the system's libraries are named in comments, help texts and checks. */
const isTool = ({ path }: Entry) =>
  isBuildTool(path) || (isSystemFile(path) && /^\/usr\/(include|share\/(doc|man))\//.test(path));

function directory(context: PackContext, spelled: string, path: string, by: string): Wanted[] {
  if (written.test(`${path}/`))
    return /^\/(run|tmp)$/.test(path) ? [] : [byPack("named", spelled, by, "written there", "exist")];
  if (isSystemDirectory(path) || /\/(node_modules|site-packages|dist-packages)(\/|$)/.test(path)) return [];
  if (isRuntimeTree(context.children, path)) return [];
  const whole = wholeDirectory(context, path, { by, detail: "directory", kind: "named", maxBytes: maxDirectoryBytes });
  return [byPack("named", spelled, by, "directory", "exist"), ...whole];
}

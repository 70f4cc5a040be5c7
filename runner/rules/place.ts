import { posix } from "node:path";
import { type Entry, type Rootfs, resolvePath } from "../rootfs.ts";

/**
 * The entry that a path names, its real path, and what has to exist for the path to lead there besides the directories above
 * it: symbolic links on the way, and directories that `..` leaves. A last link is not followed.
 */
export type Place = { path: string; entry: Entry; passed: readonly string[] };

type Directory = { path: string; passed: readonly string[] };

/** Finds the entries that paths name. Directories are resolved once, because the paths of an image share few of them. */
export function placing(rootfs: Rootfs): (path: string) => Place | undefined {
  const directories = new Map<string, Directory | undefined>();
  const resolved = (spelled: string): Directory | undefined => {
    if (directories.has(spelled)) return directories.get(spelled);
    const found = resolvePath(rootfs, spelled);
    const isDirectory = "path" in found && found.entry.type === "directory";
    const answer = isDirectory
      ? { path: found.path, passed: [...leftDirectories(rootfs, spelled), ...found.links] }
      : undefined;
    directories.set(spelled, answer);
    return answer;
  };
  return (spelled) => {
    // The paths of the index are real paths: most that come here are.
    const entryThere = rootfs.get(spelled);
    if (entryThere) return { path: spelled, entry: entryThere, passed: [] };
    const path = `/${spelled}`.replace(/\/+$/, "").replace(/^\/+/, "/");
    const name = posix.basename(path);
    const cut = path.lastIndexOf("/");
    // What ends in a dot names a directory by where it is, not an entry in it.
    const isDots = name === "" || name === "." || name === "..";
    const directory = resolved(isDots ? path || "/" : path.slice(0, cut) || "/");
    if (!directory) return undefined;
    const real = isDots ? directory.path : directory.path === "/" ? `/${name}` : `${directory.path}/${name}`;
    const entry = rootfs.get(real);
    return entry && { path: real, entry, passed: directory.passed };
  };
}

/** `/opt/plugins/../lib` needs /opt/plugins to be there. */
function leftDirectories(rootfs: Rootfs, path: string): string[] {
  return [...path.matchAll(/\/\.\.?(?=\/|$)/g)].flatMap((match) => {
    const found = resolvePath(rootfs, path.slice(0, match.index) || "/");
    return "path" in found ? [...found.links, found.path] : [];
  });
}

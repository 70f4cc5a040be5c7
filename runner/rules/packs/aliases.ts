import { posix } from "node:path";
import { resolvePath } from "../../rootfs.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type Pack } from "./pack.ts";
import { isSystemFile } from "./system-paths.ts";

/**
 * **Other names** of a program outside of the system's directories: hard links, and symbolic links in directories of programs.
 * A program that does different things under different names is called by one that the observation did not use; a name costs
 * nothing. The system's own programs are left alone: nobody misses a hundred names of one tool box.
 */
export const aliases: Pack = {
  name: "other-names",
  edges: ({ path, entry }, { use }, context) => {
    if (use !== "run" || entry.type !== "file" || isOfSystem(path)) return [];
    return (namesOf(context).get(entry.inode) ?? [])
      .filter((name) => name !== path)
      .map((name) => byPack("unit", name, path, "other name", "run"));
  },
};

const isOfSystem = (path: string) => isSystemFile(path) && !path.startsWith("/usr/local/");

const isProgramDirectory = (directory: string) => /(^|\/)s?bin$/.test(directory);

/** Inode to all names that lead to it. */
const namesOf = oncePerWave(({ rootfs }): ReadonlyMap<string, string[]> => {
  const names = new Map<string, string[]>();
  const add = (inode: string, path: string) => names.set(inode, [...(names.get(inode) ?? []), path]);
  for (const [path, entry] of rootfs) {
    if (entry.type === "file" && entry.links > 1) add(entry.inode, path);
    if (entry.type !== "symlink" || !isProgramDirectory(posix.dirname(path))) continue;
    const found = resolvePath(rootfs, path);
    if (!("missing" in found) && found.entry.type === "file") add(found.entry.inode, path);
  }
  return names;
});

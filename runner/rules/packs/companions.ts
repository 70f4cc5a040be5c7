import { posix } from "node:path";
import type { Wanted } from "../wanted.ts";
import { installedPackages, ownersOf } from "./installed.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";

/** All that one program brings along; the smallest come first. */
const maxBytes = 64 << 20;

/** How much of their names programs of one product share: etcd and etcdctl, prometheus and promtool. */
const sharedLetters = 3;

/**
 * **Companions**: programs that were copied into the image beside one that ran, by no package manager, under a name that begins
 * like its. Such a product has no package that tells what belongs to it: clients, and tools for its data, are run by hand.
 */
export const companions: Pack = {
  name: "companions",
  seeds(context) {
    const ran = new Set(context.processes.map(({ exe }) => exe));
    const found = [...ran].map((program) => ({ program, paths: namedAlike(program, context) }));
    const asked = new Set(found.flatMap(({ program, paths }) => (paths.length > 0 ? [program, ...paths] : [])));
    const owners = ownersOf(context, asked, installedPackages(context));
    return found.flatMap(({ program, paths }) => {
      const unowned = owners.has(program) ? [] : paths.filter((path) => !owners.has(path));
      return affordable(unowned, context).map(
        (path): Wanted => byPack("unit", path, program, "companion program", "run"),
      );
    });
  },
};

/** Executable files beside the program. */
function namedAlike(program: string, { rootfs, children }: PackContext): string[] {
  const directory = posix.dirname(program);
  const name = posix.basename(program);
  const begin = name.slice(0, sharedLetters);
  if (begin.length < sharedLetters) return [];
  return (children.get(directory) ?? [])
    .filter((each) => each !== name && each.startsWith(begin))
    .map((each) => posix.join(directory, each))
    .filter((path) => {
      const entry = rootfs.get(path);
      return entry?.type === "file" && (entry.mode & 0o111) !== 0;
    });
}

function affordable(paths: readonly string[], { rootfs }: PackContext): string[] {
  let bytes = 0;
  return paths
    .map((path) => ({ path, size: rootfs.get(path)?.size ?? 0 }))
    .toSorted((a, b) => a.size - b.size)
    .filter(({ size }) => {
      bytes += size;
      return bytes <= maxBytes;
    })
    .map(({ path }) => path);
}

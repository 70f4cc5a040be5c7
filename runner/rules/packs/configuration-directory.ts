import { oncePerWave } from "./image-tree.ts";
import type { Pack, PackContext } from "./pack.ts";
import { isListing, isPrivateKey, isSystemDirectory } from "./system-paths.ts";
import { treeOf, wholeDirectory } from "./tree.ts";

const maxBytes = 4 << 20;
/** A directory with more in it than this is no program's configuration. */
const scannedBytes = 64 << 20;

/** Where programs have directories of their own for configuration. */
const places = ["/etc", "/usr/local/etc"];

/** Directories of a program's configuration of which a file was read, with those files. */
const configured = oncePerWave((context): { directory: string; seen: string[] }[] =>
  places
    .flatMap((place) => (context.children.get(place) ?? []).map((name) => `${place}/${name}`))
    .filter((path) => context.rootfs.get(path)?.type === "directory" && !isSystemDirectory(path))
    .map((directory) => ({
      directory,
      seen: treeOf(context, directory, scannedBytes)
        .entries.filter(
          (entry) => entry.type === "file" && entry.path.startsWith(`${directory}/`) && context.isSeen(entry.path),
        )
        .map((entry) => entry.path),
    }))
    .filter(({ seen }) => seen.length > 0),
);

/** Configuration files that the observation read, as far as they are a program's own. */
export function seenConfiguration(context: PackContext): string[] {
  return configured(context)
    .flatMap(({ seen }) => seen)
    .filter((path) => !isListing(path) && !isPrivateKey(path));
}

/**
 * One file of /etc/NAME was read: all of it is kept (at most 4 MiB), because a server opens its mime table, its policy or the
 * switch of a plug-in when it first needs it. Not private keys: the one that is used is named, or was seen.
 */
export const configurationDirectory: Pack = {
  name: "configuration-directory",
  seeds: (context) =>
    configured(context).flatMap(({ directory }) =>
      wholeDirectory(context, directory, { by: "configuration", detail: "directory of one read", maxBytes }),
    ),
};

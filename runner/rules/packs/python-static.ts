import { posix } from "node:path";
import { resolvePath } from "../../rootfs.ts";
import { oncePerWave } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { isInstalled } from "./python-path.ts";

/**
 * Whether a file below a package's `static` directory is the source of a copy that the application holds: web frameworks collect
 * static files of all packages in one directory and serve them from there. `path` may be a link.
 */
export function isCollected(path: string, context: PackContext): boolean {
  const below = /\/static\/(.+)$/.exec(path)?.[1];
  if (below === undefined || context.isSeen(path)) return false;
  const size = fileSize(path, context);
  return size !== undefined && roots(context).some((root) => fileSize(`${root}/${below}`, context) === size);
}

function fileSize(path: string, { rootfs }: PackContext): number | undefined {
  const found = resolvePath(rootfs, path);
  return "path" in found && found.entry.type === "file" ? found.entry.size : undefined;
}

/**
 * Directories of the application that hold what some package has below `static`, by the names of both. An application that is
 * itself a package has no copy there: its files would be taken for copies of themselves.
 */
const roots = oncePerWave((context): string[] => {
  const directories = [...context.children];
  const collected = new Set(
    directories.flatMap(([path, names]) =>
      posix.basename(path) === "static" && /\/(?:site|dist)-packages\//.test(path) ? names : [],
    ),
  );
  return directories.flatMap(([path, names]) =>
    names.some((name) => collected.has(name) && context.children.has(`${path}/${name}`)) &&
    context.isApplication(`${path}/x`) &&
    !isInstalled(`${path}/x`)
      ? [path]
      : [],
  );
});

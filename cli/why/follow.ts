import { posix } from "node:path";
import type { FileLine } from "#contract/graph.ts";
import { resolvePath } from "#runner/rootfs.ts";

/** Finds the lines of these paths in the list of files. */
export type Lookup = (paths: ReadonlySet<string>) => Promise<ReadonlyMap<string, FileLine>>;

/**
 * Where a path leads: the links that were followed, in order, and what is there: the last link, when the path names a link
 * that leads nowhere. `missing` is the path at which it ends.
 */
export type Followed = { links: FileLine[]; entry: FileLine | undefined; missing: string | undefined };

/**
 * Follows an absolute path through all symbolic links of the image, a last one too. A pass over the list answers for all
 * directories of a path, so a path takes two passes and one more for each link.
 */
export async function follow(path: string, lookup: Lookup): Promise<Followed> {
  const known = new Map<string, FileLine>();
  const asked = new Set<string>();
  for (;;) {
    const found = resolvePath(known, path);
    const missing = "missing" in found ? found.missing : undefined;
    const unknown = new Set(missing === undefined ? [] : prefixes(missing).filter((each) => !asked.has(each)));
    if (unknown.size === 0) {
      const links = found.links.flatMap((each) => known.get(each) ?? []);
      const entry = "entry" in found ? found.entry : namesLink(path, known) ? links.at(-1) : undefined;
      return { links, entry, missing };
    }
    for (const each of unknown) asked.add(each);
    for (const [each, line] of await lookup(unknown)) known.set(each, line);
  }
}

function namesLink(path: string, known: ReadonlyMap<string, FileLine>): boolean {
  const own = path.replace(/\/+$/, "");
  const above = resolvePath(known, posix.dirname(own));
  return "path" in above && known.get(posix.join(above.path, posix.basename(own)))?.type === "symlink";
}

/** `/a/b/c` → /, /a, /a/b, /a/b/c; of a path with `..` also those of what it means without links. */
function prefixes(path: string): string[] {
  const of = (text: string): string[] => {
    const parts = text.split("/").filter((part) => part !== "");
    return ["/", ...parts.map((_, at) => `/${parts.slice(0, at + 1).join("/")}`)];
  };
  return path.includes("/.") ? [...of(path), ...of(posix.normalize(path))] : of(path);
}

import { compileGlob, expandGlob, splitGlob } from "../glob.ts";
import { type Rootfs, resolvePath } from "../rootfs.ts";
import { throughLinks } from "./pattern-links.ts";

/**
 * The entries that a user's pattern names, by their real paths, and the links that it goes through. A pattern without special
 * characters that names a symbolic link also names what the link leads to. Throws `request.invalid` for a pattern that cannot
 * be read.
 */
export function namedBy(rootfs: Rootfs, pattern: string): { paths: Set<string>; links: string[] } {
  const linked = throughLinks(rootfs, pattern);
  const paths = new Set<string>();
  for (const alternative of [pattern, ...linked.map((each) => each.pattern)].flatMap(expandGlob)) {
    const { literal, rest } = splitGlob(alternative);
    if (rest === "") {
      // The one that is named need not be looked for among all: lists of paths are long.
      const target = resolvePath(rootfs, literal);
      if (rootfs.has(literal)) paths.add(literal);
      if ("path" in target) paths.add(target.path);
      continue;
    }
    const matches = compileGlob(alternative);
    for (const path of rootfs.keys()) if (matches(path)) paths.add(path);
  }
  return { paths, links: paths.size > 0 ? linked.flatMap((each) => each.links) : [] };
}

import { posix } from "node:path";
import { resolvePath } from "../../rootfs.ts";
import type { PackContext } from "./pack.ts";

/** `libssl` of /usr/lib/libssl.so.3, of libssl-1.1.so and of libssl.so.1.1; undefined for what is no shared library. */
export function libraryName(path: string): string | undefined {
  return /^(lib[\w+.-]*?)(?:-\d[\d.]*)?\.so(?:\.[\w.]+)?$/.exec(posix.basename(path))?.[1];
}

/** Real path of the file or directory behind a path as programs spell it; undefined when it leads nowhere. */
export function realPath({ rootfs }: PackContext, spelled: string): string | undefined {
  const found = resolvePath(rootfs, spelled);
  return "path" in found ? found.path : undefined;
}

/** Text of a file by the path that programs use; undefined as in `PackContext.text`. */
export function readText(context: PackContext, spelled: string, maxBytes = 1 << 20): string | undefined {
  const real = realPath(context, spelled);
  return real === undefined ? undefined : context.text(real, maxBytes);
}

/** The names in a directory, links on its way followed; none when it is no directory. */
export function namesIn(context: PackContext, directory: string): readonly string[] {
  const real = realPath(context, directory);
  return real === undefined ? [] : (context.children.get(real) ?? []);
}

/** No tree that a rule keeps whole has more entries. */
const maxEntries = 20_000;

/**
 * Every entry below a directory, by real paths, directories and links among them, parents first. Links are not followed. What
 * `accept` refuses is left out, a directory with all that is below it. Ends at 20,000 entries.
 */
export function entriesBelow(
  context: PackContext,
  directory: string,
  accept: (path: string) => boolean = () => true,
): string[] {
  const top = realPath(context, directory);
  if (top === undefined || context.rootfs.get(top)?.type !== "directory") return [];
  const found: string[] = [];
  const todo = [top];
  for (const at of todo) {
    // `todo` grows as we walk it
    for (const name of context.children.get(at) ?? []) {
      const path = at === "/" ? `/${name}` : `${at}/${name}`;
      if (!accept(path)) continue;
      if (found.length === maxEntries) return found;
      found.push(path);
      if (context.rootfs.get(path)?.type === "directory") todo.push(path);
    }
  }
  return found;
}

/** Bytes of the files among `paths`, hard links once. */
export function bytesOf({ rootfs }: PackContext, paths: readonly string[]): number {
  const inodes = new Set<string>();
  let bytes = 0;
  for (const path of paths) {
    const entry = rootfs.get(path);
    if (entry?.type !== "file" || inodes.has(entry.inode)) continue;
    inodes.add(entry.inode);
    bytes += entry.size;
  }
  return bytes;
}

/** As `entriesBelow`, but all or nothing: none when the files are larger than `maxBytes` together. */
export function wholeDirectory(
  context: PackContext,
  directory: string,
  maxBytes: number,
  accept?: (path: string) => boolean,
): string[] {
  const paths = entriesBelow(context, directory, accept);
  return bytesOf(context, paths) > maxBytes ? [] : paths;
}

/** What `compute` says, asked once for each context: a context lives as long as one wave. */
export function oncePerWave<Answer>(compute: (context: PackContext) => Answer): (context: PackContext) => Answer {
  const answers = new WeakMap<PackContext, { answer: Answer }>();
  return (context) => {
    const known = answers.get(context) ?? { answer: compute(context) };
    answers.set(context, known);
    return known.answer;
  };
}

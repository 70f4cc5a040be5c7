import { posix } from "node:path";
import type { Entry } from "../../rootfs.ts";
import type { PackContext } from "./pack.ts";
import { isSystemDirectory, isSystemFile } from "./system-paths.ts";

const maxHits = 5000;

/** Besides directories of its own, where an application may have data. */
const shelves = ["etc", "opt", "srv", "home", "usr/share", "usr/local", "usr/src", "var/lib", "var/www"];

/** Small files of the system's own configuration: what they cost is nothing beside a program that looks for them in vain. */
const isSetting = (entry: Entry | undefined) =>
  entry?.type === "file" && entry.size <= 64 << 10 && posix.dirname(entry.path) === "/etc";

/**
 * Paths of the image outside of system directories whose names stand in a program. Compilers put strings one behind the other
 * without an end (`/srv/static` + `text/html`), so names are not cut out of the bytes: the names of the image are looked for.
 */
export function pathsInBinary(context: PackContext, bytes: Buffer): string[] {
  const own = (context.children.get("/") ?? []).filter((name) => name.length > 2 && !isSystemDirectory(`/${name}`));
  const starts = new Set([...shelves, ...own].map((name) => `/${name}`));
  const found = new Set<string>();
  let hits = 0;
  for (const start of starts) {
    const mark = Buffer.from(start);
    for (let at = bytes.indexOf(mark); at >= 0 && hits < maxHits; at = bytes.indexOf(mark, at + mark.length)) {
      hits++;
      const path = longestPath(
        context,
        start,
        bytes.subarray(at + mark.length, at + mark.length + 1024).toString("latin1"),
      );
      const entry = context.rootfs.get(path);
      const isFree = entry?.type === "directory" ? !isSystemDirectory(path) : !isSystemFile(path) || isSetting(entry);
      if (isFree) found.add(path);
    }
  }
  return [...found].filter((path) => context.rootfs.has(path));
}

/** `start` and as many names of the image below it as the text goes on with. */
function longestPath({ children }: PackContext, start: string, text: string): string {
  let path = start;
  for (let at = 0; text[at] === "/"; ) {
    const names = (children.get(path) ?? []).filter((name) => text.startsWith(name, at + 1));
    const name = names.reduce((longest, each) => (each.length > longest.length ? each : longest), "");
    if (name === "") break;
    path = `${path}/${name}`;
    at += 1 + name.length;
  }
  return path;
}

type Directory = { entries: Set<string>; directories: Map<string, Directory> };

/** More files, or more listed directories, than this in one directory become one glob. */
const maxSiblings = 8;

/** More rules than this below one directory become one glob for all of it. */
const maxBelow = 24;

/** Directories whose other files are nobody's business: a glob here would open `/etc/shadow` or a home's keys. */
const literal = new Set(["", "/etc", "/root", "/home", "/etc/ssl/private"]);

/**
 * Globs that match all of `paths` (escaped already; directories end in `/`) with few rules, sorted. `tail` ends every path's
 * glob and keeps it from matching other kinds of files (`.so*`). Never a glob for a top-level directory as a whole.
 */
export function foldPaths(paths: readonly string[], tail = ""): string[] {
  const root: Directory = { entries: new Set(), directories: new Map() };
  for (const path of paths) {
    const isListing = path.endsWith("/") && path !== "/";
    const parts = (isListing ? path.slice(0, -1) : path).split("/").slice(1);
    const name = parts.pop() ?? "";
    let directory = root;
    for (const part of parts) {
      let next = directory.directories.get(part);
      if (!next) {
        next = { entries: new Set(), directories: new Map() };
        directory.directories.set(part, next);
      }
      directory = next;
    }
    directory.entries.add(isListing ? `${name}/` : name);
  }
  return fold(root, "", 0, tail).toSorted();
}

function fold({ entries, directories }: Directory, at: string, depth: number, tail: string): string[] {
  const listings = [...entries].filter((name) => name.endsWith("/"));
  const files = [...entries].filter((name) => !name.endsWith("/"));
  const mayFold = !literal.has(at);
  const rules = [
    ...(mayFold && files.length > maxSiblings ? [`${at}/*${tail}`] : files.map((name) => `${at}/${name}`)),
    ...(mayFold && listings.length > maxSiblings ? [`${at}/*/`] : listings.map((name) => `${at}/${name}`)),
  ];
  for (const [name, directory] of directories)
    for (const rule of fold(directory, `${at}/${name}`, depth + 1, tail)) rules.push(rule);
  // deep enough to be about something: /usr/lib or /app/node_modules, not /usr; and not over the head of a literal one
  const mayFoldAll = mayFold && depth >= 2 && ![...literal].some((directory) => directory.startsWith(`${at}/`));
  return mayFoldAll && rules.length > maxBelow ? [`${at}/**${tail}`] : rules;
}

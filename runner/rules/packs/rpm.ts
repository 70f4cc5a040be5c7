import { oncePerWave, realPath } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { maxPathCharacters, type Package } from "./package-record.ts";
import { bdbPages, bdbValues } from "./rpm-bdb.ts";
import { parseRpmHeader } from "./rpm-header.ts";
import { ndbBlobs } from "./rpm-ndb.ts";
import { sqlitePages, sqliteRows } from "./sqlite-table.ts";

const directories = ["/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm"];

/** Where rpm keeps its headers: SQLite since 4.16, ndb on SUSE, Berkeley DB before. The first that is there counts. */
export const rpmDatabases: readonly string[] = ["rpmdb.sqlite", "Packages.db", "Packages"].flatMap((name) =>
  directories.map((directory) => `${directory}/${name}`),
);

const maxBytes = 128 << 20;

/** The database of the image by its real path, with its bytes as far as they are known; undefined where rpm was not used. */
export function rpmDatabase(context: PackContext): { path: string; bytes: Buffer | undefined } | undefined {
  const path = rpmDatabases.map((each) => realPath(context, each)).find((each) => each !== undefined);
  return path === undefined ? undefined : { path, bytes: context.content(path, maxBytes) };
}

/** The packages that rpm installed, by name. A database that is cut short gives what can be read. */
export const rpmPackages = oncePerWave((context): ReadonlyMap<string, Package> => {
  const packages = new Map<string, Package>();
  let characters = 0;
  for (const blob of rpmHeaders(rpmDatabase(context)?.bytes ?? Buffer.alloc(0))) {
    const found = parseRpmHeader(blob);
    if (!found) continue;
    characters += found.files.reduce((sum, each) => sum + each.length, 0);
    if (characters > maxPathCharacters) break;
    packages.set(found.name, found);
  }
  return packages;
});

/** The headers in a database of any of its formats, which its first bytes tell. */
export function rpmHeaders(file: Buffer): Buffer[] {
  const rows = sqliteRows(file, "Packages").map((row) => row.findLast((value) => Buffer.isBuffer(value)));
  return [...rows.filter((each) => Buffer.isBuffer(each)), ...ndbBlobs(file).blobs, ...bdbValues(file)];
}

/** What is wrong with a database, in words that follow its path; undefined for one that is whole. */
export function rpmFault(file: Buffer): string | undefined {
  const pages = sqlitePages(file) ?? bdbPages(file);
  const ndb = ndbBlobs(file);
  if (!pages && !ndb.isNdb) return "is in no format that rpm has";
  return (pages && pages.count * pages.pageBytes > file.length) || ndb.lost > 0 ? "is cut short" : undefined;
}

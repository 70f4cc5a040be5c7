import { readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { owningPackages } from "./owning-packages.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { aNdb, aRpmHeader } from "./rpm.builder.ts";
import { rpmFault, rpmHeaders, rpmPackages } from "./rpm.ts";
import { bdbValues } from "./rpm-bdb.ts";
import { parseRpmHeader } from "./rpm-header.ts";
import { ndbBlobs } from "./rpm-ndb.ts";

const header = (name: string, files: string[] = [], more = {}) => aRpmHeader({ name, files, ...more });
const aDatabase = (rows: Buffer[], pageBytes = 4096) => {
  const db = new Database(":memory:");
  db.pragma(`page_size = ${pageBytes}`);
  db.exec(
    "CREATE TABLE 'Other' (x); CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)",
  );
  const insert = db.prepare("INSERT INTO Packages (blob) VALUES (?)");
  for (const row of rows) insert.run(row);
  return db.serialize();
};
/** Databases of Berkeley DB, made by rpm and db_load (rpm-berkeley-hash.sh). */
const aBerkeley = (ending = "") =>
  readFileSync(join(import.meta.dirname, `../../../test/fixtures/rpm-berkeley-hash${ending}.db`));

const packagesOf = (path: string, bytes: Buffer) => {
  const context = aPackContext({ [path]: "bytes" });
  return rpmPackages({ ...context, content: (asked) => (asked === path ? bytes : undefined) });
};

describe("the database of SQLite", () => {
  it.each([512, 4096, 65536])("reads every package of a database with pages of %i bytes", (pageBytes) => {
    const files = Array.from({ length: 2000 }, (_, at) => `/usr/share/big/directory-${at % 7}/file-${at}`);
    const rows = [
      ...Array.from({ length: 300 }, (_, at) => header(`p${at}`)),
      header("big", files, { sourceRpm: "big-src-1.0-2.fc40.src.rpm" }),
    ];
    const context = aPackContext({ "/usr/lib/sysimage/rpm/rpmdb.sqlite": aDatabase(rows, pageBytes) });
    const packages = rpmPackages(context);
    expect(packages.size).toBe(301);
    expect(packages.get("big")?.files).toEqual(files);
    expect(packages.get("big")?.source).toBe("big-src");
    expect(packages.get("p299")?.source).toBe("p299");
  });
});

describe("the database of Berkeley DB", () => {
  it.each(["", "-big-endian"])(
    "is read without its library: values on a page, and those of many pages (rpm-berkeley-hash%s)",
    (ending) => {
      const packages = packagesOf("/var/lib/rpm/Packages", aBerkeley(ending));
      expect([...packages.keys()].sort()).toEqual(["big", "small", "tiny"]);
      expect(packages.get("tiny")?.files).toEqual(["/etc/tiny.conf"]);
      expect(packages.get("big")?.files.length).toBe(41);
      expect(packages.get("big")?.files).toContain("/usr/share/big/file-40");
      expect(packages.get("small")).toMatchObject({ system: "rpm", source: "small" });
      expect(packages.get("small")?.provides).toContain("virtual-small");
    },
  );
});

it("is kept as the record of what is installed, with the whole package of what was used, in the profile package", () => {
  const path = "/var/lib/rpm/Packages";
  const tree = { [path]: "bytes", "/etc/tiny.conf": "tiny", "/usr/share/small/file-1": "x" };
  const context = aPackContext(tree, { seen: ["/etc/tiny.conf"] });
  const content = (asked: string) => (asked === path ? aBerkeley() : context.content(asked));
  expect(keptBy(owningPackages, { ...context, content })).toEqual(["/etc/tiny.conf", path]);
});

describe("the database of rpm's own format", () => {
  const blobs = [header("one", ["/usr/bin/one"]), header("two", ["/usr/bin/two", "/etc/two.conf"])];

  it("is read slot by slot, free slots passed over", () => {
    const packages = packagesOf("/usr/lib/sysimage/rpm/Packages.db", aNdb(blobs));
    expect([...packages.values()].map(({ name, files }) => [name, files])).toEqual([
      ["one", ["/usr/bin/one"]],
      ["two", ["/usr/bin/two", "/etc/two.conf"]],
    ]);
  });
});

describe.each([
  ["SQLite", aDatabase(Array.from({ length: 300 }, (_, at) => header(`p${at}`)))],
  ["Berkeley DB", aBerkeley()],
  ["rpm's own format", aNdb(Array.from({ length: 100 }, (_, at) => header(`p${at}`)))],
])("a damaged database of %s", (_format, whole) => {
  it("gives what is left when it is cut short, and says so", () => {
    expect(rpmFault(whole)).toBeUndefined();
    const cut = whole.subarray(0, whole.length / 2);
    expect(rpmFault(cut)).toBe("is cut short");
    const left = rpmHeaders(cut).filter((each) => parseRpmHeader(each));
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(rpmHeaders(whole).length);
  });

  it("is read whatever its bytes, in time and memory like its size", () => {
    const flips = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 30 });
    fc.assert(
      fc.property(flips, (changes) => {
        const torn = Buffer.from(whole);
        for (const [at, byte] of changes) torn[at] = byte;
        rpmFault(torn);
        const all = [...bdbValues(torn), ...ndbBlobs(torn).blobs];
        expect(all.reduce((sum, each) => sum + each.length, 0)).toBeLessThanOrEqual(2 * whole.length);
        for (const each of rpmHeaders(torn)) parseRpmHeader(each);
      }),
      { numRuns: 200 },
    );
  });
});

it("another file is in no format of rpm", () => {
  expect(rpmFault(Buffer.from("bdb"))).toBe("is in no format that rpm has");
  expect(rpmFault(Buffer.alloc(8192))).toBe("is in no format that rpm has");
});

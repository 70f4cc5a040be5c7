import { describe, expect, test } from "vitest";
import type { KeepProfile } from "#contract/job.ts";
import type { Owners } from "../report/package-owners.ts";
import { repairsFor, toldOf } from "./repair-units.ts";
import { aRootfs, type Tree } from "./select.builder.ts";

type Given = { owned?: Record<string, string[]>; kept?: string[]; forbidden?: string[]; profile?: KeepProfile };

/** What comes back for one missing path besides itself; all of it must say so. */
function unitOf(missing: string, tree: Tree, given: Given = {}): string[] {
  const { owned = {}, kept = [], forbidden = [], profile = "safe" } = given;
  const packages = Object.entries(owned);
  const owners: Owners = {
    packages: packages.map(([name]) => ({ system: "dpkg", name, at: null })),
    of: (path) => packages.findIndex(([, paths]) => paths.includes(path)),
  };
  const repairs = repairsFor([missing], profile, {
    rootfs: aRootfs(tree),
    owners,
    kept: new Map(kept.map((path) => [path, { kind: "observed", by: "default" }])),
    forbidden: (path) => forbidden.includes(path),
  });
  expect(repairs[0]).toEqual({ path: missing });
  expect(repairs.slice(1).filter((repair) => repair.unitOf !== missing)).toEqual([]);
  return repairs.slice(1).map(({ path }) => path);
}

const files = (...paths: string[]): Tree => Object.fromEntries(paths.map((path) => [path, "text"]));

describe("a missing file comes back", () => {
  test("alone in the profile exact", () => {
    expect(unitOf("/app/a.html", files("/app/a.html", "/app/b.html"), { profile: "exact" })).toEqual([]);
  });

  test("with its npm package, not with those inside of it", () => {
    const at = "/app/node_modules/a";
    const tree = files(`${at}/index.js`, `${at}/lib/b.js`, `${at}/README.md`, `${at}/node_modules/c/index.js`);
    expect(unitOf(`${at}/lib/b.js`, tree)).toEqual([at, `${at}/index.js`, `${at}/lib`]);
  });

  test("with its gem and the gem's specification", () => {
    const home = "/usr/lib/ruby/gems/3.1.0";
    const tree = files(
      `${home}/gems/a-1.0/lib/a.rb`,
      `${home}/gems/a-1.0/lib/b.rb`,
      `${home}/specifications/a-1.0.gemspec`,
    );
    expect(unitOf(`${home}/gems/a-1.0/lib/a.rb`, tree)).toContain(`${home}/specifications/a-1.0.gemspec`);
  });

  test("with the whole package directory of a module of Python", () => {
    const at = "/usr/lib/python3.11/email";
    const tree = files(
      `${at}/__init__.py`,
      `${at}/mime/__init__.py`,
      `${at}/mime/text.py`,
      "/usr/lib/python3.11/ast.py",
    );
    expect(unitOf(`${at}/mime/text.py`, tree)).toEqual([`${at}/__init__.py`, `${at}/mime`, `${at}/mime/__init__.py`]);
    const cached = `${at}/__pycache__/x.cpython-311.pyc`;
    expect(unitOf(cached, { ...tree, ...files(cached) })).toContain(`${at}/mime/text.py`);
  });

  test("with files of the same kind and package in its directory", () => {
    const tree = files(
      "/usr/lib/x/a.so.1",
      "/usr/lib/x/b.so",
      "/usr/lib/x/c.conf",
      "/usr/lib/x/d.so",
      "/usr/lib/y/e.so",
    );
    const owned = {
      x: ["/usr/lib/x/a.so.1", "/usr/lib/x/b.so", "/usr/lib/x/c.conf", "/usr/lib/y/e.so"],
      y: ["/usr/lib/x/d.so"],
    };
    expect(unitOf("/usr/lib/x/a.so.1", tree, { owned })).toEqual(["/usr/lib/x/b.so"]);
  });

  test("with the data beside it, whatever its name, and no program", () => {
    const tree = { ...files("/srv/t/a.html", "/srv/t/b.tpl", "/srv/t/deep/c.html"), "/srv/t/run": Buffer.from("x") };
    expect(unitOf("/srv/t/a.html", tree)).toEqual(["/srv/t/b.tpl"]);
  });

  test("alone from a directory of the system that nobody's files share", () => {
    expect(unitOf("/etc/a.conf", files("/etc/a.conf", "/etc/b.conf"))).toEqual([]);
    expect(unitOf("/usr/share/man/man1/a.1", files("/usr/share/man/man1/a.1", "/usr/share/man/man1/b.1"))).toEqual([]);
  });

  test("without what is kept already, excluded, or a private key", () => {
    const tree = files("/srv/a", "/srv/b", "/srv/c", "/srv/server.key");
    expect(unitOf("/srv/a", tree, { kept: ["/srv/b"], forbidden: ["/srv/c"] })).toEqual([]);
  });

  test("alone when its unit is too large", () => {
    const many = files("/srv/a", ...Array.from({ length: 2001 }, (_, number) => `/srv/n${number}`));
    expect(unitOf("/srv/a", many)).toEqual([]);
  });
});

describe("a missing directory comes back", () => {
  test("with what is in it", () => {
    expect(unitOf("/srv/t", files("/srv/t/a", "/srv/t/b/c"))).toEqual(["/srv/t/a", "/srv/t/b", "/srv/t/b/c"]);
  });

  test("alone when it is one of the system", () => {
    expect(unitOf("/usr/lib", files("/usr/lib/a", "/usr/lib/b"))).toEqual([]);
  });
});

test("a round tells what was missing, and how much came back with it", () => {
  const all = [{ path: "/a" }, { path: "/b" }, { path: "/c", unitOf: "/a" }, { path: "/d", unitOf: "/a" }];
  expect(toldOf(all)).toEqual({ repairs: ["/a", "/b"], units: [{ of: "/a", entries: 2 }] });
});

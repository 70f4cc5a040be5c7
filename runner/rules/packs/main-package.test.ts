import { describe, expect, it } from "vitest";
import { isUsedLocale, mainPackage } from "./main-package.ts";
import { languageUnit, owningPackages, packageRecords } from "./owning-packages.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { pruneClass } from "./prune-class.ts";

const stanza = (name: string, more: string[] = []) =>
  [`Package: ${name}`, "Status: install ok installed", ...more].join("\n");
const lists = (packages: Record<string, string[]>) =>
  Object.fromEntries(
    Object.entries(packages).map(([name, files]) => [`/var/lib/dpkg/info/${name}.list`, files.join("\n")]),
  );

const program = Buffer.from("elf");
const tree = {
  "/bin": "-> usr/bin",
  "/var/lib/dpkg/status": [
    stanza("mon", ["Priority: optional", "Section: net", "Source: mon-src", "Depends: mon-data, libthing1"]),
    stanza("mon-data", ["Priority: optional", "Source: mon-src"]),
    stanza("libthing1", ["Priority: optional", "Section: libs"]),
    stanza("mon-tools", ["Priority: optional", "Source: mon-src"]),
    stanza("coreutils", ["Priority: required", "Essential: yes"]),
    stanza("dash", ["Priority: required"]),
    stanza("python3.11-minimal", ["Priority: optional", "Section: python"]),
    stanza("exiftool", ["Priority: optional"]),
  ].join("\n\n"),
  ...lists({
    mon: [
      "/.",
      "/bin/mon",
      "/usr/bin/monctl",
      "/usr/bin/mon2",
      "/etc/mon/plugins.d",
      "/usr/lib/mon/plugin.so",
      "/usr/share/doc/mon/README",
    ],
    "mon-data": [
      "/usr/share/mon/page.tmpl",
      "/usr/share/vim/addons/syntax/mon.vim",
      "/usr/share/man/man1/mon.1.gz",
      "/usr/share/locale/de/LC_MESSAGES/mon.mo",
      "/usr/share/locale/fr/LC_MESSAGES/mon.mo",
    ],
    libthing1: ["/usr/lib/libthing.so.1", "/usr/share/libthing/data"],
    "mon-tools": ["/usr/bin/montool"],
    coreutils: ["/bin/ls", "/usr/share/coreutils/data"],
    "python3.11-minimal": ["/usr/bin/python3.11", "/usr/lib/python3.11/ast.py"],
    exiftool: ["/usr/bin/exiftool", "/usr/share/exiftool/tables"],
  }),
  "/usr/bin/mon": program,
  "/usr/bin/monctl": program,
  "/usr/bin/mon2": program,
  "/usr/bin/montool": program,
  "/usr/bin/ls": program,
  "/usr/bin/python3.11": program,
  "/usr/bin/exiftool": "#!/usr/bin/python3.11",
  "/usr/share/exiftool/tables": "x",
  "/usr/lib/python3.11/ast.py": "x",
  "/usr/lib/mon/plugin.so": "elf",
  "/usr/lib/libthing.so.1": "elf",
  "/usr/share/libthing/data": "x",
  "/usr/share/coreutils/data": "x",
  "/usr/share/mon/page.tmpl": "x",
  "/usr/share/vim/addons/syntax/mon.vim": "x",
  "/usr/share/man/man1/mon.1.gz": "x",
  "/usr/share/doc/mon/README": "x",
  "/usr/share/locale/de/LC_MESSAGES/mon.mo": "x",
  "/usr/share/locale/fr/LC_MESSAGES/mon.mo": "x",
  "/etc/mon/plugins.d": "dir",
};
const ran = (...exes: string[]) => exes.map((exe) => ({ exe, argv: [exe] }));
const large = { "/usr/bin/mon2": { size: 48 << 20 } };

describe("main package", () => {
  it("keeps the package of what ran and what was split off from it, without documents, and without a second product", () => {
    const context = aPackContext(tree, { processes: ran("/usr/bin/mon"), entries: large, env: ["LANG=de_DE.UTF-8"] });
    expect(keptBy(mainPackage, context)).toEqual([
      "/etc/mon/plugins.d",
      "/usr/bin/mon",
      "/usr/bin/monctl",
      "/usr/lib/mon/plugin.so",
      "/usr/share/locale/de/LC_MESSAGES/mon.mo",
      "/usr/share/mon/page.tmpl",
    ]);
  });

  it("keeps large programs of the package too when nothing listens: all of the tool is the application", () => {
    const processes = ran("/usr/bin/mon");
    expect(keptBy(mainPackage, aPackContext(tree, { processes, entries: large, listens: false }))).toContain(
      "/usr/bin/mon2",
    );
    expect(keptBy(mainPackage, aPackContext(tree, { processes, entries: large, listens: true }))).not.toContain(
      "/usr/bin/mon2",
    );
  });

  it("leaves out what measures a server or upgrades it once, keeps it of a tool, and leaves conversions to the databases", () => {
    const modules = ["utf8_and_gbk", "euc2004_sjis2004"].map((name) => `/usr/lib/postgresql/15/lib/${name}.so`);
    const programs = ["mon-benchmark", "monbench", "pg_upgrade", "pg_dump", "benchmarks"].map(
      (each) => `/usr/bin/${each}`,
    );
    const names = [...modules, ...programs];
    const more = {
      ...tree,
      "/var/lib/dpkg/info/mon.list": ["/usr/bin/mon", ...names].join("\n"),
      ...Object.fromEntries(names.map((name) => [name, program])),
    };
    const kept = (listens: boolean) =>
      keptBy(mainPackage, aPackContext(more, { processes: ran("/usr/bin/mon"), listens })).filter((path) =>
        names.includes(path),
      );
    expect(kept(true)).toEqual(["/usr/bin/benchmarks", "/usr/bin/pg_dump"]);
    expect(kept(false)).toEqual([...programs].sort());
  });

  it("keeps nothing for interpreters, shells and what every image has", () => {
    expect(keptBy(mainPackage, aPackContext(tree, { processes: ran("/usr/bin/python3.11", "/usr/bin/ls") }))).toEqual(
      [],
    );
  });

  it("takes a script for the program that its interpreter runs", () => {
    const processes = [{ exe: "/usr/bin/python3.11", argv: ["python3.11", "-u", "/usr/bin/exiftool", "-v"] }];
    expect(keptBy(mainPackage, aPackContext(tree, { processes }))).toEqual([
      "/usr/bin/exiftool",
      "/usr/share/exiftool/tables",
    ]);
  });

  it("takes the script that starts R for an interpreter", () => {
    const more = {
      ...tree,
      "/var/lib/dpkg/status": "Package: r-base-core\nStatus: install ok installed\nPriority: optional\n",
      "/var/lib/dpkg/info/r-base-core.list": "/usr/lib/R/bin/R\n/usr/lib/R/doc/NEWS",
      "/usr/lib/R/bin/R": "#!/bin/sh\n",
      "/usr/lib/R/doc/NEWS": "x",
    };
    const processes = [{ exe: "/usr/bin/dash", argv: ["/bin/sh", "/usr/lib/R/bin/R", "--file=server.R"] }];
    expect(keptBy(mainPackage, aPackContext(more, { processes }))).toEqual([]);
  });

  it("leaves the largest files when a package is larger than any main package should be", () => {
    const entries = { "/usr/share/mon/page.tmpl": { size: 70 << 20 }, ...large };
    const kept = keptBy(mainPackage, aPackContext(tree, { processes: ran("/usr/bin/mon"), entries }));
    expect(kept).not.toContain("/usr/share/mon/page.tmpl");
    expect(kept).toContain("/usr/bin/monctl");
  });

  it("knows packages of Alpine by origin and by what they provide", () => {
    const installed =
      "P:mail\no:mail\nD:cmd:mail-tables so:libx.so.1\nF:usr/sbin\nR:maild\n\nP:mail-tables\no:mail\np:cmd:mail-tables=1\nF:etc/mail\nR:tables\n\nP:libx\no:x\np:so:libx.so.1=1\nF:usr/lib\nR:libx.so.1\n";
    const alpine = {
      "/lib/apk/db/installed": installed,
      "/usr/sbin/maild": program,
      "/etc/mail/tables": "x",
      "/usr/lib/libx.so.1": "x",
    };
    expect(keptBy(mainPackage, aPackContext(alpine, { processes: ran("/usr/sbin/maild") }))).toEqual([
      "/etc/mail/tables",
      "/usr/sbin/maild",
    ]);
  });
});

describe("owning packages", () => {
  it("keeps every package of which a file was used, whatever its kind, and the record", () => {
    const kept = keptBy(owningPackages, aPackContext(tree, { seen: ["/usr/lib/libthing.so.1", "/usr/bin/ls"] }));
    expect(kept).toEqual([
      "/usr/bin/ls",
      "/usr/lib/libthing.so.1",
      "/usr/share/coreutils/data",
      "/usr/share/libthing/data",
      "/var/lib/dpkg/status",
    ]);
  });

  it("keeps packages of languages whole, with their metadata, without their tests and their own dependencies", () => {
    const site = "/usr/lib/python3/dist-packages";
    const gems = "/usr/local/bundle";
    const languages = {
      "/app/node_modules/@s/a/index.js": "x",
      "/app/node_modules/@s/a/lib/lazy.js": "x",
      "/app/node_modules/@s/a/README.md": "x",
      "/app/node_modules/@s/a/node_modules/b/index.js": "x",
      [`${site}/Foo_Bar/__init__.py`]: "x",
      [`${site}/Foo_Bar/lazy.py`]: "x",
      [`${site}/Foo_Bar/tests/test_a.py`]: "x",
      [`${site}/foo_bar-1.0.dist-info/METADATA`]: "x",
      [`${site}/other-1.0.dist-info/METADATA`]: "x",
      [`${gems}/gems/rack-3.0/lib/rack.rb`]: "x",
      [`${gems}/gems/rack-3.0/lib/rack/lazy.rb`]: "x",
      [`${gems}/specifications/rack-3.0.gemspec`]: "x",
    };
    const seen = [
      "/app/node_modules/@s/a/index.js",
      `${site}/Foo_Bar/__init__.py`,
      `${gems}/gems/rack-3.0/lib/rack.rb`,
    ];
    const kept = keptBy(owningPackages, aPackContext(languages, { seen })).filter((path) => path in languages);
    expect(kept).toEqual([
      "/app/node_modules/@s/a/index.js",
      "/app/node_modules/@s/a/lib/lazy.js",
      `${site}/Foo_Bar/__init__.py`,
      `${site}/Foo_Bar/lazy.py`,
      `${site}/foo_bar-1.0.dist-info/METADATA`,
      `${gems}/gems/rack-3.0/lib/rack.rb`,
      `${gems}/gems/rack-3.0/lib/rack/lazy.rb`,
      `${gems}/specifications/rack-3.0.gemspec`,
    ]);
  });

  it.each([
    ["/app/node_modules/a/node_modules/@s/b/x.js", "/app/node_modules/a/node_modules/@s/b"],
    ["/usr/lib/python3.11/site-packages/six.py", undefined],
    ["/usr/bin/ls", undefined],
    ["/b/ruby/3.1.0/bundler/gems/rails-c0ffee1/lib/a.rb", "/b/ruby/3.1.0/bundler/gems/rails-c0ffee1"],
  ])("finds the package of %s", (path, unit) => {
    expect(languageUnit(path)).toBe(unit);
  });

  it("keeps the small records of a distroless image for what was used", () => {
    const distroless = {
      "/var/lib/dpkg/status.d/tz": "Package: tz\n",
      "/var/lib/dpkg/status.d/tz.md5sums": `${"a".repeat(32)}  usr/share/tz\n`,
      "/usr/share/tz": "x",
    };
    expect(keptBy(packageRecords, aPackContext(distroless))).toEqual([]);
    expect(keptBy(packageRecords, aPackContext(distroless, { seen: ["/usr/share/tz"] }))).toEqual([
      "/var/lib/dpkg/status.d/tz",
      "/var/lib/dpkg/status.d/tz.md5sums",
    ]);
  });
});

it.each([
  ["/usr/share/doc/x/copyright", "doc"],
  ["/usr/share/man/man1/x.1.gz", "man"],
  ["/usr/share/manager/x", undefined],
  ["/usr/share/locale/de/LC_MESSAGES/x.mo", "locale"],
  ["/usr/lib/x86_64-linux-gnu/gconv/UTF-7.so", "gconv"],
  ["/usr/share/zoneinfo/UTC", "zoneinfo"],
  ["/usr/lib/python3/dist-packages/x/tests/a.py", "test"],
  ["/opt/tests/a", undefined],
  ["/var/cache/apt/x", "cache"],
  ["/usr/include/x.h", "header"],
  ["/usr/lib/x86_64-linux-gnu/libx.a", "static-library"],
  ["/etc/logrotate.d/x", "host"],
  ["/usr/lib/x/plugin.so", undefined],
  ["/usr/share/nodejs/x/dist/x.umd.js.map", "source-map"],
  ["/usr/share/nodejs/npm/node_modules/x/index.d.ts", "header"],
  ["/usr/share/nodejs/typescript/lib/lib.dom.d.ts", undefined],
  ["/usr/share/nodejs/@types/node/fs.d.ts", undefined],
  ["/usr/share/nodejs/x/data/world.map", undefined],
  ["/usr/share/squid/errors/x.js.map", undefined],
])("says what part of a package %s is", (path, part) => {
  expect(pruneClass(path)).toBe(part);
});

it("takes LANG and its like at their language", () => {
  const path = "/usr/share/locale/pt_BR/LC_MESSAGES/x.mo";
  expect(isUsedLocale(path, ["LC_ALL=pt_PT.UTF-8"])).toBe(true);
  expect(isUsedLocale(path, ["LANG=C.UTF-8"])).toBe(false);
});

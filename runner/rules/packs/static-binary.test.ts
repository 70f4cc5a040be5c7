import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { anElf } from "../elf.builder.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { elfKind, staticBinary } from "./static-binary.ts";

const loader = "/lib64/ld-linux-x86-64.so.2";

describe("elfKind", () => {
  it.each([32, 64] as const)("tells a static program of %i bits, of either byte order", (bits) => {
    for (const endian of ["little", "big"] as const) {
      expect(elfKind(anElf({ bits, endian }))).toEqual({ isStatic: true });
      expect(elfKind(anElf({ bits, endian, interp: loader }))).toEqual({ isStatic: false });
    }
  });

  it("knows other files, and never fails on damaged ones", () => {
    expect(elfKind(Buffer.from("#!/bin/sh\n".repeat(20)))).toBeUndefined();
    const elf = anElf({ interp: loader });
    fc.assert(
      fc.property(fc.nat(63), fc.nat(255), fc.nat(elf.length), (at, byte, end) => {
        const damaged = Buffer.from(elf);
        damaged[at] = byte;
        elfKind(damaged.subarray(0, end));
      }),
    );
  });
});

const system: Tree = {
  "/etc/services": "http 80/tcp",
  "/etc/protocols": "tcp 6",
  "/etc/os-release": "-> ../usr/lib/os-release",
  "/usr/lib/os-release": "ID=debian",
  "/usr/share/mime/globs2": "50:text/html:*.html",
  "/usr/share/zoneinfo/Europe/Rome": "TZif",
  "/usr/share/zoneinfo/Asia/Tokyo": "TZif",
  "/lib/x86_64-linux-gnu/libc.so.6": Buffer.from("elf"),
  "/lib/x86_64-linux-gnu/libnss_dns.so.2": Buffer.from("elf"),
};

type Given = { workdir?: string; application?: string[]; elf?: Parameters<typeof anElf>[0]; path?: string };

/** What is kept beside a program that holds these strings one behind the other, as Go has them. */
function kept(
  tree: Tree,
  strings: string[],
  { workdir = "/", elf = {}, path = "/server", application = [] }: Given = {},
): string[] {
  const program = Buffer.concat([anElf(elf), Buffer.from(`\0${strings.join("")}\0`)]);
  const context = aPackContext(
    { ...system, ...tree, [path]: program },
    { workdir, processes: [{ exe: path, argv: [path] }] },
  );
  const isApplication = (each: string) =>
    each === path || application.some((directory) => each.startsWith(`${directory}/`));
  return keptBy(staticBinary, { ...context, isApplication }, [path]);
}

describe("static binary", () => {
  it("keeps the files of the system that its strings name, and no others", () => {
    expect(kept({}, ["read /etc/services", "/etc/os-release", "/usr/share/mime/globs2"])).toEqual([
      "/etc/os-release",
      "/etc/services",
      "/usr/lib/os-release",
      "/usr/share/mime/globs2",
    ]);
    expect(kept({}, ["nothing"])).toEqual([]);
  });

  it("keeps all zones when a Go program loads zones of which it names none", () => {
    const all = ["/usr/share/zoneinfo/Asia/Tokyo", "/usr/share/zoneinfo/Europe/Rome"];
    expect(kept({}, ["time.LoadLocation"])).toEqual(expect.arrayContaining(all));
    expect(kept({}, ["time.LoadLocation", "Europe/Rome"])).toEqual([]);
    expect(kept({}, ["time.LoadLocation", "time/tzdata.init"])).toEqual([]);
  });

  it("keeps name services and libc for a static program of glibc", () => {
    const libraries = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libnss_dns.so.2"];
    expect(kept({}, ["libnss_%s.so"])).toEqual(libraries);
    expect(kept({}, ["libnss_%s.so"], { elf: { interp: loader } })).toEqual([]);
  });

  it("keeps libraries that a program of C opens by a name in it, and none for one that only mentions them", () => {
    const tree = {
      "/usr/lib/app/plugin.so": Buffer.from("elf"),
      "/usr/lib/x86_64-linux-gnu/libextra.so.2": "-> libextra.so.2.1",
      "/usr/lib/x86_64-linux-gnu/libextra.so.2.1": Buffer.from("elf"),
      "/usr/lib/x86_64-linux-gnu/libneeded.so.1": Buffer.from("elf"),
    };
    const names = ["/usr/lib/app/plugin.so\0libextra.so.2\0libneeded.so.1\0libabsent.so\0"];
    const elf = { interp: loader, needed: ["libneeded.so.1", "dlopen"] };
    expect(kept(tree, names, { elf })).toEqual([
      "/usr/lib/app/plugin.so",
      "/usr/lib/x86_64-linux-gnu/libextra.so.2",
      "/usr/lib/x86_64-linux-gnu/libextra.so.2.1",
    ]);
    expect(kept(tree, names, { elf: { ...elf, needed: ["libneeded.so.1"] } })).toEqual([]);
    expect(kept(tree, ["see /usr/lib/app/plugin.so\0"], { elf })).toEqual([]);
  });

  it("keeps directories and files of the root that a program there names", () => {
    const tree = {
      "/templates/index.html": "page",
      "/migrations/1.sql": "sql",
      "/settings.yaml": "a: 1",
      "/server.key": "secret",
      "/data/rows.db": "data",
      "/root/.profile": "x",
      "/home/user/notes.txt": "x",
    };
    const names = ["templates/*.html", "settings.yamlfile", "server.key", "root", "home", "text"];
    expect(kept(tree, names)).toEqual(["/settings.yaml", "/templates", "/templates/index.html"]);
    expect(kept(tree, ["migrations"])).toEqual(["/migrations", "/migrations/1.sql"]);
  });

  it("looks beside the program and in the working directory, not where all is the application's or the system's", () => {
    const tree = { "/opt/site/pages/a.html": "page", "/work/views/b.html": "page", "/usr/local/bin/views": "dir" };
    const given = { workdir: "/work", path: "/opt/site/server" };
    expect(kept(tree, ["pages", "views"], given).filter((path) => path.endsWith(".html"))).toEqual([
      "/opt/site/pages/a.html",
      "/work/views/b.html",
    ]);
    expect(kept(tree, ["pages", "views"], { ...given, application: ["/opt/site", "/work"] })).toEqual([]);
    expect(kept(tree, ["views"], { path: "/usr/local/bin/server" })).toEqual([]);
  });

  it("leaves a directory that is too large to be templates", () => {
    const path = "/server";
    const program = Buffer.concat([anElf(), Buffer.from("\0assets\0")]);
    const tree = { [path]: program, "/assets/film.mp4": "film" };
    const given = { processes: [{ exe: path, argv: [path] }], isApplication: (each: string) => each === path };
    const context = (size: number) => ({
      ...aPackContext(tree, { ...given, entries: { "/assets/film.mp4": { size } } }),
      isApplication: given.isApplication,
    });
    expect(keptBy(staticBinary, context(17 << 20), [path])).toEqual([]);
    expect(keptBy(staticBinary, context(1 << 20), [path])).toEqual(["/assets", "/assets/film.mp4"]);
  });

  it("asks nothing of programs that are not the application's, nor of scripts", () => {
    const tree = {
      "/server": Buffer.from(`#!/bin/sh\n# /etc/services ${" ".repeat(64)}`),
      "/usr/bin/tool": Buffer.concat([anElf(), Buffer.from("/etc/services")]),
    };
    const context = aPackContext({ ...system, ...tree }, { processes: [{ exe: "/usr/bin/tool", argv: ["tool"] }] });
    expect(
      keptBy(
        staticBinary,
        { ...context, isApplication: (path) => path === "/server" },
        ["/server", "/usr/bin/tool"],
        "run",
      ),
    ).toEqual([]);
  });
});

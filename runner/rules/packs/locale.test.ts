import { describe, expect, it } from "vitest";
import { anElf } from "../elf.builder.ts";
import { dataFiles } from "./data-files.ts";
import { locale } from "./locale.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const gconv = "/usr/lib/x86_64-linux-gnu/gconv";
const tree = {
  "/usr/lib/locale/C.utf8/LC_CTYPE": "x",
  "/usr/lib/locale/de_DE.utf8/LC_CTYPE": "x",
  "/usr/lib/locale/fr_FR.utf8/LC_CTYPE": "x",
  "/usr/lib/locale/locale-archive": "all",
  "/etc/locale.alias": "x",
  [`${gconv}/gconv-modules`]:
    "alias SHIFT-JIS// SJIS//\nmodule SJIS// INTERNAL SJIS 1\nmodule INTERNAL SJIS// SJIS 1\n",
  [`${gconv}/gconv-modules.d/extra.conf`]: "alias ISO-8859-2// ISO8859-2//",
  [`${gconv}/gconv-modules.cache`]: "x",
  [`${gconv}/UTF-16.so`]: "x",
  [`${gconv}/ISO8859-2.so`]: "x",
  [`${gconv}/SJIS.so`]: "x",
  [`${gconv}/EUC-KR.so`]: "x",
  [`${gconv}/libJIS.so`]: "x",
  "/srv/mail.php": "iconv('Shift_JIS', 'UTF-8//TRANSLIT', $x); iconv(\"iso-8859-2\", 'utf-8', $x);",
  "/srv/plain.php": "echo 'EUC-KR';",
};
const kept = (given: Parameters<typeof aPackContext>[1], used: string[] = []) =>
  keptBy(locale, aPackContext(tree, { application: ["/srv"], ...given }), used).filter((path) => path in tree);
const core = [
  `${gconv}/UTF-16.so`,
  `${gconv}/gconv-modules`,
  `${gconv}/gconv-modules.cache`,
  `${gconv}/gconv-modules.d/extra.conf`,
];

describe("locale", () => {
  it("keeps the locale that ENV names and C.UTF-8, and never the archive", () => {
    const seen = ["/usr/lib/locale/de_DE.utf8/LC_CTYPE"];
    expect(kept({ env: ["LANG=de_DE.UTF-8"], seen })).toEqual([
      "/etc/locale.alias",
      "/usr/lib/locale/C.utf8/LC_CTYPE",
      "/usr/lib/locale/de_DE.utf8/LC_CTYPE",
    ]);
    expect(kept({ env: ["LANG=C"] })).toEqual(["/etc/locale.alias"]);
    expect(kept({ seen: ["/usr/lib/locale/fr_FR.utf8/LC_CTYPE"] })).toContain("/usr/lib/locale/C.utf8/LC_CTYPE");
  });

  it("keeps them only for what asks: a program that ran and did, one that did not run yet, the application", () => {
    const asks = (imported: string) => anElf({ needed: ["libc.so.6", imported] });
    const more = {
      "/usr/bin/asks": asks("setlocale"),
      "/usr/bin/plain": asks("getenv"),
      "/usr/lib/libpython3.11.so.1.0": asks("newlocale"),
      "/usr/lib/libother.so.1": asks("newlocale"),
      "/srv/asks.py": "locale.setlocale(locale.LC_ALL, '')",
      "/usr/lib/locale/C.utf8/LC_COLLATE": "x",
    };
    const env = ["LANG=C.UTF-8"];
    const isKept = (path: string | undefined, use: "run" | "load", given: Parameters<typeof aPackContext>[1] = {}) =>
      keptBy(
        locale,
        aPackContext({ ...tree, ...more }, { application: ["/srv"], env, ...given }),
        path ? [path] : [],
        use,
      ).includes("/usr/lib/locale/C.utf8/LC_CTYPE");
    expect(isKept(undefined, "run")).toBe(false);
    expect(isKept("/usr/bin/asks", "run")).toBe(true);
    expect(isKept("/usr/bin/asks", "load")).toBe(false);
    expect(isKept("/usr/bin/asks", "run", { seen: ["/usr/bin/asks"] })).toBe(false);
    expect(isKept("/usr/bin/plain", "run")).toBe(false);
    expect(isKept("/usr/lib/libpython3.11.so.1.0", "load")).toBe(true);
    expect(isKept("/usr/lib/libother.so.1", "load")).toBe(false);
    expect(isKept("/srv/asks.py", "load")).toBe(true);
    expect(isKept("/srv/mail.php", "load")).toBe(false);
    expect(isKept(undefined, "run", { seen: ["/usr/lib/locale/C.utf8/LC_COLLATE"] })).toBe(false);
    expect(isKept(undefined, "run", { seen: ["/usr/lib/locale/de_DE.utf8/LC_CTYPE"] })).toBe(true);
  });

  it("keeps the core of the conversions once one was used", () => {
    expect(kept({ seen: [`${gconv}/gconv-modules.cache`] })).toEqual(["/etc/locale.alias", ...core]);
  });

  it("keeps the conversions that the application names, by any of their names", () => {
    expect(kept({}, ["/srv/mail.php"])).toEqual(
      ["/etc/locale.alias", ...core, `${gconv}/ISO8859-2.so`, `${gconv}/SJIS.so`].sort(),
    );
    expect(kept({}, ["/srv/plain.php"])).toEqual(["/etc/locale.alias"]);
  });
});

describe("data files", () => {
  const data = {
    "/usr/lib/libtinfo.so.6.4": "x",
    "/usr/lib/libncursesw.so.6": "x",
    "/usr/lib/libmagic.so.1": "x",
    "/usr/lib/libz.so.1": "x",
    "/lib/terminfo/x/xterm": "x",
    "/lib/terminfo/r/rxvt": "x",
    "/lib/terminfo/s/sun": "x",
    "/usr/share/terminfo/78/xterm-256color": "x",
    "/usr/lib/file/magic.mgc": "x",
    "/etc/magic": "x",
    "/etc/mime.types": "x",
    "/usr/share/mime/globs2": "x",
    "/usr/lib/python3.11/__pycache__/mimetypes.cpython-311.pyc": "x",
    "/usr/sbin/nginx": Buffer.from("x"),
    "/srv/server": Buffer.concat([Buffer.alloc(1 << 20), Buffer.from("/etc/mime.types")]),
  };
  const context = aPackContext(data, { env: ["TERM=sun"], application: ["/srv"] });

  it.each([
    [
      "/usr/lib/libtinfo.so.6.4",
      ["/lib/terminfo/s/sun", "/lib/terminfo/x/xterm", "/usr/share/terminfo/78/xterm-256color"],
    ],
    ["/usr/lib/libmagic.so.1", ["/etc/magic", "/usr/lib/file/magic.mgc"]],
    ["/usr/lib/python3.11/__pycache__/mimetypes.cpython-311.pyc", ["/etc/mime.types"]],
    ["/usr/sbin/nginx", ["/etc/mime.types"]],
    ["/srv/server", ["/etc/mime.types"]],
    ["/usr/lib/libz.so.1", []],
  ])("of %s", (path, expected) => {
    expect(keptBy(dataFiles, context, [path], "run")).toEqual(expected);
  });

  it("takes ncurses in its wide form for the same", () => {
    expect(keptBy(dataFiles, context, ["/usr/lib/libncursesw.so.6"])).toContain("/lib/terminfo/x/xterm");
  });
});

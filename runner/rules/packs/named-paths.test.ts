import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { namedPaths } from "./named-paths.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { pathsIn } from "./path-text.ts";

describe("pathsIn", () => {
  it.each<[string, string[]]>([
    ['open("/srv/a.txt")', ["/srv/a.txt"]],
    ["a=/srv/a,/srv/b:/srv/c", ["/srv/a", "/srv/b", "/srv/c"]],
    ["file:///srv/a", ["/srv/a"]],
    ["jar:file:/srv/a.jar", ["/srv/a.jar"]],
    ["https://host/a/b ftp://x/y", []],
    [`</div> a/b ./c ../d ~/e $HOME/f \${X}/g`, []],
    ["/srv/a. /srv/b/", ["/srv/a", "/srv/b"]],
    ["include /srv/x/*.conf;", ["/srv/x"]],
    ["root=/srv/www/$host;", ["/srv/www"]],
    ["  # see /srv/a\n// /srv/b\n * /srv/c\n; /srv/d\n/srv/e # /srv/f", ["/srv/e", "/srv/f"]],
    ["#!/usr/bin/perl\nuse x", []],
    ["/", []],
  ])("%j", (text, expected) => {
    expect(pathsIn(text).map(({ path }) => path)).toEqual(expected);
  });

  it("takes a list of thousands of paths for an index, and little time for hostile text", () => {
    expect(pathsIn(Array.from({ length: 4000 }, (_, at) => `/a/b${at}`).join("\n"))).toEqual([]);
    const start = performance.now();
    for (const text of ["/".repeat(1 << 20), "/a".repeat(1 << 19), "file:".repeat(1 << 18), "\n/".repeat(1 << 19)])
      pathsIn(text);
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});

describe("the named-paths pack", () => {
  const elf = Buffer.from("\x7fELF\0");
  const tree: Tree = {
    "/app/a.py":
      'open("/etc/motd")\nsubprocess.run(["/usr/bin/convert", "/srv/in.png"])\nx = "/etc/shadow"\ny = "/usr/lib"\nlog = "/var/log/shop/a.log"\nz = "/opt/words"',
    "/app/README.md": "see /opt/big/a",
    "/app/Dockerfile": "COPY x /opt/big/a",
    "/app/tests/t.py": 'open("/opt/big/a")',
    "/app/tls.yml": "key: /etc/ssl/private/site.key\nhost: /etc/ssh/ssh_host_rsa_key\nsocket: /run/shop/web.sock\n",
    "/etc/motd": "",
    "/etc/shadow": "",
    "/etc/ssh/ssh_host_rsa_key": "",
    "/etc/ssl/private/site.key": "",
    "/etc/ssl/private/other.key": "",
    "/usr/bin/convert": elf,
    "/usr/lib/x.so": "",
    "/srv/in.png": "",
    "/var/log/shop/a.log": "old",
    "/var/log/shop/b.log": "old",
    "/run/shop": "dir",
    "/opt/words/en.txt": "",
    "/opt/words/de.txt": "",
    "/opt/big/a": "",
  };
  const context = (more: Tree = {}, given = {}) =>
    aPackContext({ ...tree, ...more }, { application: ["/app"], ...given });

  it("keeps files, programs and small directories that the application's code names, and nothing of the system's", () => {
    expect(keptBy(namedPaths, context(), ["/app/a.py"])).toEqual([
      "/etc/motd",
      "/opt/words",
      "/opt/words/de.txt",
      "/opt/words/en.txt",
      "/srv/in.png",
      "/usr/bin/convert",
      "/var/log/shop/a.log",
    ]);
  });

  it("keeps a private key that is named itself, its neighbours and the system's secrets not", () => {
    expect(keptBy(namedPaths, context(), ["/app/tls.yml"])).toEqual(["/etc/ssl/private/site.key", "/run/shop"]);
  });

  it("does not listen to documents, build files and tests", () => {
    expect(keptBy(namedPaths, context(), ["/app/README.md", "/app/Dockerfile", "/app/tests/t.py"])).toEqual([]);
  });

  it("does not listen to files of packages or of the system, but to configuration that was read", () => {
    const more = {
      "/usr/lib/p.py": "/srv/in.png",
      "/etc/shop/x": "/srv/in.png",
      "/etc/passwd": "x:/srv/in.png",
      "/etc/ssl/openssl.cnf": "/srv/in.png",
    };
    const seen = Object.keys(more);
    expect(keptBy(namedPaths, context(more, { seen: seen.filter((path) => path !== "/etc/shop/x") }), seen)).toEqual(
      [],
    );
    expect(keptBy(namedPaths, context(more, { seen }), seen)).toEqual(["/srv/in.png"]);
  });

  it("does not listen to what a server could switch on and did not", () => {
    const off = { "/etc/httpd/mods-available/lua.load": "/srv/in.png", "/etc/httpd/available/x": "/srv/in.png" };
    const [path = "", other = ""] = Object.keys(off);
    const given = { application: ["/app", "/etc/httpd"] };
    expect(keptBy(namedPaths, context(off, given), [path, other])).toEqual([]);
    expect(keptBy(namedPaths, context(off, { ...given, seen: [path] }), [path, other])).toEqual(["/srv/in.png"]);
  });

  it("leaves alone directories that are too large, and files that are only looked at", () => {
    const entries = { "/opt/words/en.txt": { size: 5 << 20 } };
    expect(keptBy(namedPaths, context({}, { entries }), ["/app/a.py"])).not.toContain("/opt/words/de.txt");
    expect(keptBy(namedPaths, context(), ["/app/a.py"], "exist")).toEqual([]);
  });

  it("finds names of the image in the strings of a program, which have no end", () => {
    const bytes = Buffer.from(
      "\x7fELF\0/srv/in.pngtext/html/opt/words/etc/motd/usr/share/doc/usr/lib/x.so/etc/ssl/private/",
    );
    expect(keptBy(namedPaths, context({ "/app/server": bytes }), ["/app/server"], "run")).toEqual([
      "/etc/motd",
      "/opt/words",
      "/opt/words/de.txt",
      "/opt/words/en.txt",
      "/srv/in.png",
    ]);
  });
});

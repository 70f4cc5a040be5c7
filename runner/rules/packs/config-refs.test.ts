import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { finder } from "./config-place.ts";
import { configRefs } from "./config-refs.ts";
import { lines, settings, statements } from "./config-syntax.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const main = "/etc/nginx/nginx.conf";

/** What is kept for nginx.conf with this text, in a tree with these things more. */
function keptFor(text: string, more: Tree = {}): string[] {
  return keptBy(configRefs, aPackContext({ [main]: text, ...more }, { seen: [main] }), [main]);
}

describe("the config-refs pack", () => {
  it("follows includes with patterns, and the includes of what is included", () => {
    const more = {
      "/etc/nginx/a.conf": "include deep/*/x?.inc;",
      "/etc/nginx/deep/1/xa.inc": "ssl_certificate /srv/a.pem;",
      "/etc/nginx/deep/2/xb.inc": "include ../loop.conf; include nginx.conf;",
      "/etc/nginx/deep/2/.xc.inc": "",
      "/etc/nginx/other.conf": "ssl_certificate /srv/other.pem;",
      "/srv/a.pem": "",
      "/srv/other.pem": "",
    };
    expect(keptFor("include a.conf; include missing.conf; include no/*;", more)).toEqual([
      "/etc/nginx/a.conf",
      "/etc/nginx/deep/1/xa.inc",
      "/etc/nginx/deep/2/xb.inc",
      "/srv/a.pem",
    ]);
  });

  it("reads what was read, what is the application's and what a command line gives, and nothing else", () => {
    const tree = {
      [main]: "include /srv/x;",
      "/srv/x": "",
      "/usr/sbin/nginx": Buffer.from("\x7fELF"),
      "/app/web.conf": "ssl_certificate x.pem;",
      "/app/x.pem": "",
    };
    expect(keptBy(configRefs, aPackContext(tree), [main])).toEqual([]);
    expect(keptBy(configRefs, aPackContext(tree, { application: ["/etc/nginx"] }), [main])).toEqual(["/srv/x"]);
    const commands = [["sh", "-c", "exec nginx -c /app/web.conf -g 'daemon off;'"]];
    expect(keptBy(configRefs, aPackContext(tree, { commands }))).toEqual(["/app/web.conf", "/app/x.pem"]);
    expect(keptBy(configRefs, aPackContext(tree, { seen: [main] }), [main], "exist")).toEqual([]);
  });

  it("takes the directory of the link by which a configuration is found for that of its relative paths", () => {
    const tree = { [main]: "-> /app/web.conf", "/app/web.conf": "include x.inc;", "/etc/nginx/x.inc": "" };
    const context = aPackContext(tree, { seen: ["/app/web.conf"] });
    const [, wanted] = [main, configRefs.edges?.(placeOf(main, context), { ...seen, path: main }, context)];
    expect(wanted?.map(({ path }) => path)).toContain("/etc/nginx/x.inc");
  });

  const secrets = {
    "/etc/shadow": "root",
    "/etc/ssh/ssh_host_rsa_key": "",
    "/etc/nginx/conf.d/link.conf": "-> /etc/shadow",
    "/etc/nginx/keys/a.key": "",
    "/etc/nginx/keys/b.key": "",
    "/srv/www/index.html": "",
    "/srv/www/.htpasswd": "",
    "/srv/www/site.key": "",
    "/srv/www/leak": "-> /etc/shadow",
    "/root/.ssh/id_rsa": "",
  };

  it("never keeps the system's secrets, whatever names or links to them, nor keys that nobody names by their full path", () => {
    const text = `include /etc/shadow; include conf.d/*; include /etc/ssh/*; include keys/*; include ../shadow;
      access_log /etc/shadow; error_log /srv/www/leak; pid /root/.ssh/x; root /srv/www; alias /root/.ssh; root /root; auth_basic_user_file /etc/shadow;`;
    expect(keptFor(text, secrets).filter((path) => !/^\/(etc|root)$/.test(path))).toEqual([
      "/srv/www",
      "/srv/www/index.html",
    ]);
  });

  it("keeps the key of a certificate that is named", () => {
    expect(keptFor("ssl_certificate_key keys/a.key;", secrets)).toEqual(["/etc/nginx/keys/a.key"]);
  });

  it("stays inside of the root, whatever the paths and links say", () => {
    const more = {
      "/etc/nginx/out.conf": "-> ../../../../../../srv/in.conf",
      "/srv/in.conf": "ssl_certificate ../../../../srv/a.pem;",
      "/srv/a.pem": "",
    };
    expect(keptFor("include out.conf; include ../../../../../../../proc/self/environ;", more)).toEqual([
      "/etc/nginx/out.conf",
      "/srv/a.pem",
      "/srv/in.conf",
    ]);
  });

  it("ends on loops of includes and of links", () => {
    const more: Tree = {
      "/etc/nginx/a": "-> b",
      "/etc/nginx/b": "-> a",
      "/etc/nginx/loop": "-> .",
      "/etc/nginx/x.conf": "include loop/*.conf; include loop/loop/nginx.conf; include a; root loop/loop;",
    };
    expect(keptFor("include x.conf; include a; include loop/*/*/*/*.conf; root .;", more)).toContain(
      "/etc/nginx/x.conf",
    );
  });

  it("takes little time for hostile patterns, trees and texts", () => {
    const links = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`/etc/nginx/d/l${at}`, "-> ."]));
    const start = performance.now();
    keptFor("include d/*/*/*/*/*/*.conf;", links);
    keptFor("include d/*a*a*a*a*a*a*a*a*b;", { [`/etc/nginx/d/${"a".repeat(250)}`]: "", ...links });
    keptFor(Array.from({ length: 5000 }, (_, at) => `include d/*${at}*/*;`).join("\n"), links);
    keptFor("include d/*;", Object.fromEntries(Object.keys(links).map((path) => [path, "include *; include d/*;"])));
    expect(performance.now() - start).toBeLessThan(30_000);
  });

  it.each([
    "nginx/nginx.conf",
    "apache2/apache2.conf",
    "lighttpd/lighttpd.conf",
    "haproxy/haproxy.cfg",
    "squid/squid.conf",
    "varnish/default.vcl",
    "bind/named.conf",
    "php/php-fpm.conf",
    "mysql/my.cnf",
    "redis/redis.conf",
    "postgresql/postgresql.conf",
    "postgresql/pg_hba.conf",
    "supervisor/supervisord.conf",
    "ssl/openssl.cnf",
    "ld.so.conf",
    "rsyslog.conf",
    "app/logback.xml",
  ])("takes time linear in the text of %s", (name) => {
    const path = `/etc/${name}`;
    const parts = [
      "a",
      '"',
      "\\",
      "/*",
      "include ",
      "<include ",
      "[",
      "=",
      " ",
      "\n",
      "tls.a   ",
      "a=b;{}",
      `\${a`,
      "('",
    ];
    const start = performance.now();
    for (const part of parts) {
      const text = part.repeat((1 << 17) / part.length);
      keptBy(configRefs, aPackContext({ [path]: text }, { seen: [path] }), [path]);
    }
    expect(performance.now() - start).toBeLessThan(30_000);
  });

  it("does not read binaries, large files and lists", () => {
    expect(keptFor("include /srv/x;\0", { "/srv/x": "" })).toEqual([]);
    expect(keptFor(`include /srv/x;${" ".repeat(1 << 20)}`, { "/srv/x": "" })).toEqual([]);
    expect(keptFor("include sets/[; include [a; include '';", { "/etc/nginx/sets/[": "" })).toEqual([]);
  });
});

const seen = { reason: { kind: "observed", by: "default" }, use: "load" } as const;

function placeOf(path: string, { rootfs }: ReturnType<typeof aPackContext>) {
  const entry = rootfs.get(path);
  if (!entry) throw new Error(`${path} is not in the tree`);
  return { path, entry, passed: [] };
}

describe("finder", () => {
  const context = aPackContext({
    "/a/x.conf": "",
    "/a/y.conf": "",
    "/a/{z}.conf": "",
    "/b": "-> a",
    "/c/d/x.conf": "",
  });
  it.each<[string, string[]]>([
    ["/a/x.conf", ["/a/x.conf"]],
    ["/a/none", []],
    ["/a/*.conf", ["/a/x.conf", "/a/y.conf", "/a/{z}.conf"]],
    ["/a/[!x].conf", ["/a/y.conf"]],
    ["/b/?.conf", ["/b/x.conf", "/b/y.conf"]],
    ["/**/x.conf", ["/a/x.conf", "/b/x.conf"]],
    ["/*/{z}.conf", ["/a/{z}.conf", "/b/{z}.conf"]],
    ["/a/x.conf/*", []],
  ])("%s", (pattern, expected) => {
    expect(finder(context)(pattern)).toEqual(expected);
  });
});

describe("syntax", () => {
  it("reads statements, with comments and quotes", () => {
    const text = `a "b c" # x\n d; e { f 'g;h'; }  re ~ ^/a\\{b$; k#l \${m}n; // o`;
    expect(statements(text, { slashes: false })).toEqual([
      ["a", "b c", "d"],
      ["e"],
      ["f", "g;h"],
      ["re", "~", "^/a\\{b$"],
      ["k#l", `\${m}n`],
      ["//", "o"],
    ]);
    expect(statements(`a "b" // x;\n c; /* d; */ e { file "g/h"; };`, { slashes: true })).toEqual([
      ["a", "b", "c"],
      ["e"],
      ["file", "g/h"],
    ]);
  });

  it("reads settings and lines", () => {
    expect(settings("A = 'b c' # d\n;x=1\n!includedir /e\nf: g\nh i")).toEqual([
      ["a", "b c"],
      ["!includedir", "/e"],
      ["f", "g"],
      ["h", "i"],
    ]);
    expect(lines('a "b c" \\\n d # e\n\n# f\ng')).toEqual([["a", "b c", "d"], ["g"]]);
  });

  it("takes time linear in texts that never close what they open", () => {
    const size = 1 << 17;
    const start = performance.now();
    for (const part of ['"', '\\"', '"\\', "/*", "*/", `\${`, ";a", "\n ", " ", "a\\", "'a"]) {
      const text = part.repeat(size / part.length);
      for (const slashes of [true, false]) statements(text, { slashes });
      settings(text);
      lines(text);
    }
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});

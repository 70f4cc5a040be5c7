import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { php } from "./php.ts";
import { parseComposerLock, parseIni, parseInstalled, scanPhp } from "./php-source.ts";

describe("scanPhp", () => {
  it.each([
    [`require 'a.php';`, "path a.php"],
    [`include_once("lib/a.php");`, "path lib/a.php"],
    [`require __DIR__ . '/a.php';`, "here a.php"],
    [`require_once(dirname(__FILE__) . "/a.php");`, "here a.php"],
    [`require dirname(__DIR__) . '/vendor/autoload.php';`, "here ../vendor/autoload.php"],
    [`require dirname(__DIR__, 2).'/a.php';`, "here ../../a.php"],
    [`require ABSPATH . 'wp-includes/a.php';`, "above wp-includes/a.php"],
    [`require $root . '/lib/a.php';`, "above lib/a.php"],
    [`'app\\\\b' => '/Model/B.php',`, "here Model/B.php"],
    [`$file = __DIR__ . '/data.php';`, "here data.php"],
  ])("reads %s", (source, expected) => {
    const found = scanPhp(`<?php\n${source}\n`).map(({ from, name }) => `${from} ${name}`);
    expect([...new Set(found)]).toEqual([expected]);
  });

  it("passes over what is computed", () => {
    expect(scanPhp('<?php require __DIR__ . "/views/$name.php"; include $file;')).toEqual([]);
  });

  it("never fails, nor do the readers of ini and JSON files", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.json()), (text) => {
        scanPhp(`require ${text}`);
        parseIni(text);
        parseInstalled(text);
        parseComposerLock(text);
      }),
    );
  });
});

describe("parseIni", () => {
  it("reads values with quotes and comments", () => {
    expect(parseIni('; no\n[PHP]\nextension = gd ; why\nopenssl.cafile="/etc/a;b.pem"\n')).toEqual([
      { name: "extension", value: "gd" },
      { name: "openssl.cafile", value: "/etc/a;b.pem" },
    ]);
  });
});

const given = {
  workdir: "/app",
  application: ["/app/public", "/app/src"],
  processes: [{ exe: "/usr/bin/php8.2", argv: ["php", "-S", "0.0.0.0:8000"] }],
  seen: ["/app/public/index.php"],
};
const kept = (tree: Tree, seen: string[] = given.seen) => keptBy(php, aPackContext(tree, { ...given, seen }), seen);

describe("php", () => {
  it("keeps the ini files of a used directory, their extensions, and files that they name", () => {
    const tree = {
      "/app/public/index.php": "",
      "/etc/php/8.2/cli/php.ini": "browscap = /etc/php/browscap.ini\nsession.save_path = /var/lib/php/own\n",
      "/etc/php/8.2/cli/conf.d/20-gd.ini": "-> /etc/php/8.2/mods-available/gd.ini",
      "/etc/php/8.2/cli/conf.d/10-opcache.ini": "zend_extension=opcache.so",
      "/etc/php/8.2/fpm/php.ini": "",
      "/etc/php/8.2/mods-available/gd.ini": "extension=gd.so",
      "/etc/php/8.2/mods-available/ldap.ini": "extension=ldap.so",
      "/etc/php/browscap.ini": "[*]",
      "/usr/lib/php/20220829/gd.so": "elf",
      "/usr/lib/php/20220829/ldap.so": "elf",
      "/usr/lib/php/20220829/opcache.so": "elf",
      "/var/lib/php/own/.keep": "",
    };
    const seen = ["/app/public/index.php", "/etc/php/8.2/cli/php.ini", "/usr/lib/php/20220829/opcache.so"];
    // 10-opcache.ini stands for a directory of which something was read.
    expect(kept(tree, [...seen, "/etc/php/8.2/cli/conf.d/10-opcache.ini"])).toEqual([
      "/etc/php/8.2/cli/conf.d/20-gd.ini",
      "/etc/php/8.2/mods-available/gd.ini",
      "/etc/php/browscap.ini",
      "/usr/lib/php/20220829/gd.so",
      "/var/lib/php/own",
    ]);
  });

  it("follows what the ini files preload", () => {
    const ini = "/etc/php/8.2/fpm/php.ini";
    const tree = {
      [ini]: "opcache.preload=/srv/preload.php",
      "/srv/preload.php": "<?php require __DIR__ . '/classes.php';",
      "/srv/classes.php": "",
    };
    expect(kept(tree, [ini])).toEqual(["/srv/classes.php", "/srv/preload.php"]);
  });

  it("follows includes of the application, and of what it reaches those from their own place", () => {
    const tree = {
      "/app/public/index.php": "<?php require '../src/a.php'; require 'Lib/Mail.php';",
      "/app/src/a.php": "<?php require_once ROOT . 'src/b.php';",
      "/app/src/b.php": "",
      "/usr/share/php/Lib/Mail.php": "<?php require 'Lib/Optional.php'; require __DIR__ . '/Part.php';",
      "/usr/share/php/Lib/Part.php": "",
      "/usr/share/php/Lib/Optional.php": "",
    };
    expect(kept(tree)).toEqual([
      "/app/src/a.php",
      "/app/src/b.php",
      "/usr/share/php/Lib/Mail.php",
      "/usr/share/php/Lib/Part.php",
    ]);
  });

  it("keeps production packages of Composer without tests, documents and development packages", () => {
    const vendor = "/app/vendor";
    const tree = {
      "/app/public/index.php": "<?php require dirname(__DIR__) . '/vendor/autoload.php';",
      [`${vendor}/autoload.php`]: "<?php require_once __DIR__ . '/composer/autoload_real.php';",
      [`${vendor}/composer/autoload_real.php`]: "",
      [`${vendor}/composer/autoload_classmap.php`]: "",
      [`${vendor}/composer/installed.json`]: JSON.stringify({
        packages: [
          { name: "a/mail", "install-path": "../a/mail" },
          { name: "b/unit", "install-path": "../b/unit" },
        ],
        "dev-package-names": ["b/unit"],
      }),
      [`${vendor}/a/mail/src/Lazy.php`]: "",
      [`${vendor}/a/mail/src/lang/de.txt`]: "",
      [`${vendor}/a/mail/tests/LazyTest.php`]: "",
      [`${vendor}/a/mail/README.md`]: "",
      [`${vendor}/b/unit/src/Unit.php`]: "",
    };
    const names =
      "a/mail/src/Lazy.php a/mail/src/lang/de.txt autoload.php composer/autoload_classmap.php composer/autoload_real.php composer/installed.json";
    const seen = [...given.seen, `${vendor}/composer/autoload_real.php`];
    const expected = names.split(" ").filter((name) => !name.endsWith("_real.php"));
    expect(kept(tree, seen)).toEqual(expected.map((name) => `${vendor}/${name}`));
  });

  it("keeps nothing where no PHP ran", () => {
    const tree = { "/app/public/index.php": "<?php require 'a.php';", "/app/public/a.php": "" };
    expect(keptBy(php, aPackContext(tree, { ...given, processes: [] }), given.seen)).toEqual([]);
  });
});

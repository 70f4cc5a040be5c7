import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { php } from "./php.ts";
import { classesOfPhp, classFiles, placesInTable } from "./php-classes.ts";

describe("classesOfPhp", () => {
  it.each([
    ["use A\\B;", "A\\B"],
    ["  use \\A\\B as C;", "A\\B"],
    ["use function A\\b;", "A\\b"],
    ["use A\\{B, C as D};", "A\\B A\\C"],
    ["$x = new \\A\\B();", "A\\B"],
    ["class X extends A\\B implements C\\D {}", "A\\B C\\D"],
    ["catch (\\A\\Broken $e)", "A\\Broken"],
    ["\\A\\B::make();", "A\\B"],
    ["$m = new Mail_Mime();", "Mail_Mime"],
  ])("reads %s", (source, expected) => {
    expect(classesOfPhp(`<?php\n${source}\n`).join(" ")).toBe(expected);
  });

  it("passes over classes without a namespace, self and variables", () => {
    expect(classesOfPhp("<?php new Foo(); self::x(); static::y(); new $name(); $a::b();")).toEqual([]);
  });

  it("never fails, nor does the reader of tables", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        classesOfPhp(`use ${text}; new ${text}`);
        placesInTable(`=> '/${text}'`);
      }),
    );
  });
});

it("looks for a class where PSR-0 has it", () => {
  expect(classFiles("A\\B_C")).toEqual(["A/B_C.php", "A/B/C.php"]);
  expect(classFiles("A\\B")).toEqual(["A/B.php"]);
});

it("reads full paths of a table and no paths behind a directory", () => {
  const table = "'a\\\\' => array('/usr/share/php/a', $vendorDir . '/b/src'), 'c' => __DIR__ . '/..' . '/c',";
  expect(placesInTable(table)).toEqual(["/usr/share/php/a"]);
});

const index = "/app/index.php";
const lib = "/usr/share/php";
const given = { application: ["/app"], processes: [{ exe: "/usr/sbin/php-fpm8.2", argv: ["php-fpm8.2"] }] };
const kept = (tree: Tree, seen = [index]) => keptBy(php, aPackContext(tree, { ...given, seen }), seen);

describe("libraries of PHP that no request has loaded yet", () => {
  it("keeps the library of a class that the application uses, with what its autoloader names and requires", () => {
    const tree = {
      [index]: "<?php function later() { return new \\Safe\\Crypt\\AES(); }",
      [`${lib}/Safe/autoload.php`]: "<?php $c = ['safe\\\\net' => '/Net.php']; require_once 'Psr/Log/autoload.php';",
      [`${lib}/Safe/Crypt/AES.php`]: "",
      [`${lib}/Safe/Net.php`]: "",
      [`${lib}/Safe/table.dat`]: "",
      [`${lib}/Safe/tests/NetTest.php`]: "",
      [`${lib}/Psr/Log/autoload.php`]: "<?php",
      [`${lib}/Psr/Log/Logger.php`]: "",
      [`${lib}/Psr/Cache/Pool.php`]: "",
      [`${lib}/Other/Thing.php`]: "",
    };
    expect(kept(tree)).toEqual(
      "Psr/Log/Logger.php Psr/Log/autoload.php Safe/Crypt/AES.php Safe/Net.php Safe/autoload.php Safe/table.dat"
        .split(" ")
        .map((name) => `${lib}/${name}`),
    );
  });

  it("keeps a library without an autoloader by its topmost directory, and follows no class of a library", () => {
    const tree = {
      [index]: "<?php\nuse Psr\\Log\\Logger;\nnew Mail_Mime();",
      [`${lib}/Psr/Log/Logger.php`]: "<?php\nuse Other\\Thing;",
      [`${lib}/Psr/Cache/Pool.php`]: "",
      [`${lib}/Mail/Mime.php`]: "",
      [`${lib}/Mail/Part.php`]: "",
      [`${lib}/Mail.php`]: "",
      [`${lib}/Other/Thing.php`]: "",
    };
    expect(kept(tree)).toEqual(
      ["Mail/Mime.php", "Mail/Part.php", "Psr/Cache/Pool.php", "Psr/Log/Logger.php"].map((name) => `${lib}/${name}`),
    );
  });

  it("keeps directories that Composer's tables name by full paths, never the include path itself", () => {
    const table = "/app/vendor/composer/autoload_psr4.php";
    const tree = {
      [index]: "",
      [table]: `<?php return ['safe\\\\' => ['${lib}/safe'], 'x\\\\' => ['${lib}'], 'y' => ['/usr/share/pictures']];`,
      [`${lib}/safe/Crypt.php`]: "",
      [`${lib}/safe/data.txt`]: "",
      [`${lib}/other/Thing.php`]: "",
      "/usr/share/pictures/a.png": "",
    };
    expect(kept(tree, [index, table])).toEqual([`${lib}/safe/Crypt.php`, `${lib}/safe/data.txt`]);
  });

  it("keeps the PHP libraries that the package of the application depends on, and theirs", () => {
    const packages = {
      wiki: { depends: "php-code, php, libjs-x", files: ["/usr/share/wiki/doku.php"] },
      "php-code": { depends: "php-more", files: ["/usr/share/php-code/code.php", "/usr/share/php-code/lang/de.txt"] },
      "php-more": { depends: "", files: [`${lib}/more/More.php`, "/usr/share/doc/php-more/example.php"] },
      "php-none": { depends: "", files: [`${lib}/none/None.php`] },
      "libjs-x": { depends: "", files: ["/usr/share/javascript/x.js"] },
    };
    const stanzas = Object.entries(packages).map(
      ([name, { depends }]) => `Package: ${name}\nStatus: install ok installed\nDepends: ${depends}`,
    );
    const lists = Object.entries(packages).flatMap(([name, { files }]) => [
      [`/var/lib/dpkg/info/${name}.list`, files.join("\n")],
      ...files.map((path) => [path, ""]),
    ]);
    const tree = { ...Object.fromEntries(lists), "/var/lib/dpkg/status": stanzas.join("\n\n") };
    expect(kept(tree, ["/usr/share/wiki/doku.php"])).toEqual([
      "/usr/share/php-code/code.php",
      "/usr/share/php-code/lang/de.txt",
      `${lib}/more/More.php`,
    ]);
    expect(kept({ ...tree, [index]: "" })).toEqual([]);
  });
});

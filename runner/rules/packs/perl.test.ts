import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { perl } from "./perl.ts";
import { scanPerl } from "./perl-source.ts";

describe("scanPerl", () => {
  const edges = (source: string) =>
    scanPerl(source).map(({ kind, name, lazy }) => `${kind} ${name}${lazy ? " lazy" : ""}`);

  it.each([
    ["use Foo::Bar qw(x);", ["use Foo::Bar"]],
    ["no warnings;", ["use warnings"]],
    ["eval { require JSON::XS; 1 } or require JSON::PP;", ["require JSON::XS", "require JSON::PP"]],
    ['eval "use Foo; 1";', ["use Foo"]],
    ["$foo->require(1); my %use; # use Foo", []],
    ['do "./etc/settings.pl"; require "lib.pl";', ["file ./etc/settings.pl", "file lib.pl"]],
    ['use parent -norequire, "Foo";', ["use parent"]],
    ["use base qw(\n  Foo\n  Foo::Bar\n);", ["use base", "use Foo", "use Foo::Bar"]],
    ['extends "Foo";', ["require Foo", "require Foo"]],
    ['use lib "$FindBin::Bin/../lib", qw(t/lib);', ["use lib", "lib $FindBin::Bin/../lib", "lib t/lib"]],
    ['load_class("Foo::Bar"); use_module("X")->new', ["require Foo::Bar", "require X", "name Foo::Bar"]],
    ["my $x = Foo::Bar->new;", ["name Foo::Bar"]],
    ['my $class = "Foo::Bar::$name";', ["below Foo::Bar"]],
    ['require "Foo/Bar/$name.pm";', ["below Foo::Bar"]],
    ['DBI->connect("dbi:SQLite:dbname=x");', ["name DBD::SQLite"]],
    [
      'open my $f, "<:encoding(UTF-8)", \\$text;',
      ["implied PerlIO", "implied PerlIO::scalar", "implied PerlIO", "implied PerlIO::encoding", "implied Encode"],
    ],
    ['print "\\N{SNOWMAN}";', ["implied _charnames", "implied charnames"]],
    ["print $+{year}", ["implied Tie::Hash::NamedCapture"]],
    ["use v5.36;", ["implied feature", "implied strict", "implied warnings"]],
  ])("reads %s", (source, expected) => {
    expect(edges(source)).toEqual(expected);
  });

  it("tells what happens only when a sub is called; `use` never does", () => {
    const source = "sub a {\n  require Foo;\n  use Bar;\n}\nrequire Baz;\nsub b { 1 }\nrequire Last;";
    expect(edges(source)).toEqual(["require Foo lazy", "use Bar", "require Baz", "require Last"]);
  });

  it("passes over documentation and what follows the end", () => {
    expect(edges("=head1 A\n\nuse Foo;\n\n=cut\nuse Bar;\n__END__\nuse Baz;")).toEqual(["use Bar"]);
  });

  it("never fails, and reads repeated openings in a moment", () => {
    fc.assert(fc.property(fc.string({ maxLength: 300 }), (source) => scanPerl(source).length >= 0));
    const start = performance.now();
    for (const part of ["use base qw(\n", "require ", '"A::', "<", "my ", "%+ ", "sub : "])
      scanPerl(part.repeat(100_000));
    for (const part of ["use base qw(", "<", "sub ", "my ", '"A::', "A::"])
      scanPerl(`${part.repeat(600)}\n`.repeat(50));
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});

const arch = "/usr/lib/x86_64-linux-gnu";
const core: Tree = {
  "/usr/bin/perl": Buffer.from("elf"),
  "/usr/share/perl/5.36": "-> 5.36.0",
  [`${arch}/perl/5.36`]: "-> 5.36.0",
  [`${arch}/perl-base/strict.pm`]: "package strict;",
  [`${arch}/perl-base/Carp.pm`]: "sub x {\n  require Carp::Heavy;\n  require Term::ANSIColor;\n}",
  [`${arch}/perl-base/Carp/Heavy.pm`]: "1",
  [`${arch}/perl-base/List/Util.pm`]: "XSLoader::load('List::Util');",
  [`${arch}/perl-base/auto/List/Util/Util.so`]: "elf",
  [`${arch}/perl/5.36.0/auto/List/Util/Util.so`]: "elf",
  [`${arch}/perl/5.36.0/Encode.pm`]: "use Encode::Alias;",
  [`${arch}/perl/5.36.0/Encode/Alias.pm`]: "1",
  [`${arch}/perl/5.36.0/Encode/Byte.pm`]: "1",
  [`${arch}/perl/5.36.0/auto/Encode/Byte/Byte.so`]: "elf",
  [`${arch}/perl/5.36.0/Encode/JP.pm`]: "1",
  [`${arch}/perl/5.36.0/Encode/KR.pm`]: "1",
  "/usr/share/perl/5.36.0/Term/ANSIColor.pm": "1",
  "/usr/share/perl/5.36.0/Test/More.pm": "1",
  "/usr/share/perl/5.36.0/_charnames.pm": 'do "unicore/Name.pl"',
  "/usr/share/perl/5.36.0/unicore/Name.pl": "1",
  "/usr/share/perl/5.36.0/unicore/Name.pm": "1",
  "/usr/share/perl/5.36.0/unicore/lib/Lu/Y.pl": "1",
};

type Given = { seen?: string[]; env?: string[]; argv?: string[]; used?: string[] };

function kept(
  tree: Tree,
  { seen = [], env = [], argv = ["/app/main.pl"], used = ["/app/main.pl"] }: Given = {},
): string[] {
  const processes = [{ exe: "/usr/bin/perl", argv: ["perl", ...argv] }];
  const context = aPackContext({ ...core, ...tree }, { seen, env, processes, application: ["/app"], workdir: "/app" });
  return keptBy(perl, context, used).filter((path) => context.rootfs.get(path)?.type === "file");
}
const main = (text: string): Tree => ({ "/app/main.pl": text });

describe("perl", () => {
  it("finds modules on Debian's path, with the native half from beside the module", () => {
    expect(kept(main("use strict; use List::Util;"))).toEqual([
      `${arch}/perl-base/List/Util.pm`,
      `${arch}/perl-base/auto/List/Util/Util.so`,
      `${arch}/perl-base/strict.pm`,
    ]);
  });

  it("keeps the link through which perl finds its version", () => {
    const context = aPackContext({ ...core, ...main("use Term::ANSIColor;") }, { application: ["/app"] });
    expect(keptBy(perl, context, ["/app/main.pl"])).toEqual([
      "/usr/share/perl/5.36",
      "/usr/share/perl/5.36.0",
      "/usr/share/perl/5.36.0/Term/ANSIColor.pm",
    ]);
  });

  it("follows the standard library by what it loads at once, and to its heavy halves", () => {
    expect(kept(main("sub late {\n  require Carp;\n}"))).toEqual([
      `${arch}/perl-base/Carp.pm`,
      `${arch}/perl-base/Carp/Heavy.pm`,
    ]);
  });

  it("prefers what PERL5LIB, -I and `use lib` name, then what is installed locally", () => {
    const places = ["/env", "/opt/told", "/app/own", "/usr/local/share/perl/5.36.0", "/usr/share/perl5"];
    const tree = Object.fromEntries(places.map((place) => [`${place}/Foo.pm`, "1"]));
    const source = main('use FindBin; use lib "$FindBin::Bin/own"; use Foo;');
    const found = (given: Given, without: string[] = []) =>
      kept(
        Object.fromEntries(Object.entries({ ...source, ...tree }).filter(([path]) => !without.includes(path))),
        given,
      );
    expect(found({ env: ["PERL5LIB=/env"] })).toEqual(["/env/Foo.pm"]);
    expect(found({ argv: ["-I", "/opt/told", "/app/main.pl"] })).toEqual(["/opt/told/Foo.pm"]);
    expect(found({})).toEqual(["/app/own/Foo.pm"]);
    expect(found({}, ["/app/own/Foo.pm"])).toEqual(["/usr/local/share/perl/5.36.0/Foo.pm"]);
  });

  it("follows used modules of others into their subs, and computed names to the namespace; those that only they ask for only at once", () => {
    const vendor = {
      "/usr/share/perl5/LWP.pm":
        'sub get {\n  require LWP::Late;\n  my $class = "LWP::Protocol::$scheme";\n}\nuse Test::More;',
      "/usr/share/perl5/LWP/Late.pm": "sub x {\n  require Later;\n}",
      "/usr/share/perl5/LWP/Protocol/http.pm": "1",
      "/usr/share/perl5/Later.pm": "1",
      "/usr/share/perl5/LWP/media.types": "text/html html",
    };
    const seen = ["/usr/share/perl5/LWP.pm"];
    expect(kept(vendor, { seen, used: seen })).toEqual([
      "/usr/share/perl5/LWP/Late.pm",
      "/usr/share/perl5/LWP/Protocol/http.pm",
      "/usr/share/perl5/LWP/media.types",
    ]);
    expect(kept({ ...vendor, ...main("use LWP;") })).toEqual([
      "/usr/share/perl5/LWP.pm",
      "/usr/share/perl5/LWP/Late.pm",
      "/usr/share/perl5/LWP/Protocol/http.pm",
      "/usr/share/perl5/LWP/media.types",
    ]);
  });

  it("takes names in strings from the application: drivers, roles, classes", () => {
    const tree = {
      "/usr/share/perl5/DBD/SQLite.pm": "1",
      "/usr/share/perl5/DBD/Pg.pm": "1",
      "/usr/share/perl5/My/Role.pm": "1",
    };
    expect(kept({ ...tree, ...main("connect('dbi:SQLite:x');\nwith 'My::Role';") })).toEqual([
      "/usr/share/perl5/DBD/SQLite.pm",
      "/usr/share/perl5/My/Role.pm",
    ]);
  });

  it("keeps split subs, shared data and tables of a module", () => {
    const tree = {
      "/usr/local/lib/perl5/site_perl/5.38.0/Net/SSLeay.pm": "use AutoLoader;",
      "/usr/local/lib/perl5/site_perl/5.38.0/auto/Net/SSLeay/autosplit.ix": "sub x;",
      "/usr/local/lib/perl5/site_perl/5.38.0/auto/Net/SSLeay/x.al": "sub x { require Net::Late }",
      "/usr/local/lib/perl5/site_perl/5.38.0/auto/share/dist/Net-SSLeay/a.txt": "data",
      "/usr/local/lib/perl5/site_perl/5.38.0/Net/SSLeay/cacert.pem": "pem",
      "/usr/local/lib/perl5/site_perl/5.38.0/Net/SSLeay.pod": "doc",
    };
    const names = kept({ ...tree, ...main("use Net::SSLeay;") });
    expect(names.map((path) => path.replace("/usr/local/lib/perl5/site_perl/5.38.0/", ""))).toEqual([
      "Net/SSLeay.pm",
      "Net/SSLeay/cacert.pem",
      "auto/Net/SSLeay/autosplit.ix",
      "auto/Net/SSLeay/x.al",
      "auto/share/dist/Net-SSLeay/a.txt",
    ]);
  });

  it("keeps the names of characters and the families of encodings that are asked for", () => {
    const short = (paths: string[]) => paths.map((path) => path.replace(/.*\/5\.36\.0\//, ""));
    expect(short(kept(main('print "\\N{SNOWMAN}";')))).toEqual(["_charnames.pm", "unicore/Name.pl", "unicore/Name.pm"]);
    expect(short(kept(main("use Encode; decode('euc-jp', $x);")))).toEqual([
      "Encode.pm",
      "Encode/Alias.pm",
      "Encode/Byte.pm",
      "Encode/JP.pm",
      "auto/Encode/Byte/Byte.so",
    ]);
  });

  it("keeps the tables of Unicode where perl loads them itself", () => {
    const old = { "/usr/share/perl/5.28/utf8_heavy.pl": "1", "/usr/share/perl/5.28/unicore/Heavy.pl": "1" };
    const tables = { ...old, "/usr/share/perl/5.28/unicore/lib/Lu/Y.pl": "1" };
    expect(kept({ ...tables, ...main("m/\\p{Lu}/") })).toEqual(Object.keys(tables).sort().slice(0, 3));
    expect(kept({ ...tables, ...main("m/x/") })).toEqual([]);
  });

  it("keeps the time zones that the application names for DateTime", () => {
    const zones = "/usr/share/perl5/DateTime/TimeZone";
    const tree = { [`${zones}/America/New_York.pm`]: "1", [`${zones}/America/Lima.pm`]: "1" };
    expect(kept({ ...tree, ...main("set_time_zone('America/New_York')") })).toEqual([`${zones}/America/New_York.pm`]);
  });

  it("reads a script of the system that ran as if it were the application's, and other programs not", () => {
    const tree = {
      "/usr/bin/report": "#!/usr/bin/perl\nsub x {\n  require Carp;\n}",
      "/usr/bin/other": "#!/usr/bin/perl\nuse Carp;",
    };
    expect(
      kept(tree, { argv: ["/usr/bin/report"], seen: ["/usr/bin/report"], used: ["/usr/bin/report", "/usr/bin/other"] }),
    ).toEqual([`${arch}/perl-base/Carp.pm`, `${arch}/perl-base/Carp/Heavy.pm`]);
  });
});

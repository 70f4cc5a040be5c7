import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { ruby } from "./ruby.ts";
import { gemsForDevelopment, parseGemLock, parseGemspec, productionGems, scanRuby } from "./ruby-source.ts";

const std = "/usr/lib/ruby/3.1.0";
const arch = "/usr/lib/x86_64-linux-gnu/ruby/3.1.0";
const vendor = "/usr/lib/ruby/vendor_ruby";
const gems = "/var/lib/gems/3.1.0";

const base: Tree = {
  "/usr/bin/ruby3.1": Buffer.from("ruby"),
  [`${std}/English.rb`]: "",
  [`${std}/json.rb`]: "require 'json/common'\n",
  [`${std}/json/common.rb`]: "",
  [`${std}/net/http.rb`]:
    "require 'net/protocol'\nclass Net::HTTP\n  autoload :OpenSSL, 'openssl'\n  def get\n    require 'open-uri'\n  end\nend\n",
  [`${std}/net/protocol.rb`]: "require 'socket'\nautoload :Timeout, 'timeout'\n",
  [`${std}/timeout.rb`]: "",
  [`${std}/open-uri.rb`]: "",
  [`${std}/openssl.rb`]: "require 'openssl.so'\n",
  [`${std}/rdoc.rb`]: "",
  [`${std}/csv.rb`]: "",
  [`${arch}/rbconfig.rb`]: "",
  [`${arch}/openssl.so`]: "elf",
  [`${arch}/socket.so`]: "elf",
  [`${arch}/enc/encdb.so`]: "elf",
  [`${arch}/enc/trans/big5.so`]: "b".repeat(200_000),
};

const given = {
  workdir: "/app",
  application: ["/app"],
  processes: [{ exe: "/usr/bin/ruby3.1", argv: ["ruby", "app.rb"] }],
  seen: ["/app/app.rb", `${arch}/rbconfig.rb`],
};

const kept = (tree: Tree, more: Partial<typeof given> & { used?: string[]; env?: string[] } = {}) => {
  const seen = [...given.seen, ...(more.used ?? [])];
  return keptBy(ruby, aPackContext({ ...base, ...tree }, { ...given, ...more, seen }), seen).filter(
    (path) => !path.includes("/enc/"),
  );
};

describe("scanRuby", () => {
  it.each([
    [`require "json"`, ["require json"]],
    [`require('set') if x`, ["require set"]],
    [`require_relative "lib/a"`, ["relative lib/a", "string lib/a"]],
    [`autoload :Foo, "foo/bar"`, ["autoload foo/bar", "string foo/bar"]],
    [`  autoload :FooBar`, ["nested foo_bar"]],
    [`require File.expand_path("../lib/a", __FILE__)`, ["relative lib/a"]],
    [`require File.join(__dir__, "lib/a")`, ["relative lib/a", "string lib/a"]],
    [`require "#{__dir__}/a"`, ["relative a"]],
    [`require "adapters/#{name}"`, ["computed adapters/"]],
    [`register_lazy :ERBTemplate, 'tilt/erb', 'erb'`, ["string tilt/erb"]],
    [`%w[rack/a rack/b].each { |path| require path }`, ["string rack/a", "string rack/b"]],
    [`# require "json"`, []],
    [`=begin\nrequire "json"\n=end\nrequire "set"`, ["require set"]],
    [`__END__\nrequire "json"`, []],
  ])("reads %s", (source, expected) => {
    const edges = scanRuby(source).edges.filter(({ kind }) => kind !== "word");
    expect(edges.map(({ kind, name }) => `${kind} ${name}`)).toEqual(expected);
  });

  it("tells what only a call of a method requires", () => {
    const source = `require "a"\nmodule M\n  require "b"\n  def self.x\n    require "c"\n  end\n  require "d"\nend\n`;
    const required = scanRuby(source).edges.filter(({ kind }) => kind === "require");
    expect(required.map(({ name, lazy }) => [name, lazy])).toEqual([
      ["a", false],
      ["b", false],
      ["c", true],
      ["d", false],
    ]);
  });

  it("never fails", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        scanRuby(text);
        parseGemLock(text);
        gemsForDevelopment(text);
        parseGemspec(text);
      }),
    );
  });
});

describe("what a lock file says", () => {
  const lock = [
    "GEM",
    "  remote: https://rubygems.org/",
    "  specs:",
    "    nokogiri (1.15.4-x86_64-linux)",
    "      racc (~> 1.4)",
    "    racc (1.7.1)",
    "    rspec (3.12.0)",
    "      rspec-core (~> 3.12.0)",
    "    rspec-core (3.12.2)",
    "",
    "DEPENDENCIES",
    "  nokogiri",
    "  rspec (~> 3)",
    "",
    "BUNDLED WITH",
    "   2.3.15",
  ].join("\n");

  it("leaves out what only development asks for, with what that needs", () => {
    const development = gemsForDevelopment(
      'gem "nokogiri"\ngroup :development, :test do\n  gem "rspec", "~> 3"\nend\n',
    );
    expect([...productionGems(parseGemLock(lock), development)]).toEqual(["nokogiri", "racc"]);
  });

  it("reads a group behind a gem, and one that is for production too", () => {
    const gemfile = 'gem "a", group: :test\ngem "b", groups: [:production, :test]\ngem "c", :group => :development\n';
    expect([...gemsForDevelopment(gemfile)]).toEqual(["a", "c"]);
  });

  it("reads where a gem has its code", () => {
    const spec =
      's.require_paths = ["lib/concurrent-ruby".freeze]\n s.add_runtime_dependency(%q<racc>.freeze, ["~> 1.4"])';
    expect(parseGemspec(spec)).toEqual({ requirePaths: ["lib/concurrent-ruby"], needs: ["racc"] });
  });
});

describe("ruby", () => {
  it("follows what the application requires, also in a route", () => {
    const tree = {
      "/app/app.rb": 'get "/json" do\n  require "json"\nend\nrequire_relative "more"\n',
      "/app/more.rb": "",
    };
    expect(kept(tree)).toEqual(["/app/more.rb", `${std}/json.rb`, `${std}/json/common.rb`].sort());
  });

  it("follows lazy parts of what the application requires itself, and no further", () => {
    const found = kept({ "/app/app.rb": 'require "net/http"' });
    const expected = ["net/http.rb", "net/protocol.rb", "open-uri.rb", "openssl.rb"].map((name) => `${std}/${name}`);
    expect(found).toEqual([...expected, `${arch}/openssl.so`, `${arch}/socket.so`].sort());
  });

  it("takes a template engine from the table of a used gem, but not what that engine needs of other gems", () => {
    const tree = {
      "/app/app.rb": "",
      [`${vendor}/tilt.rb`]:
        "register_lazy :A, 'tilt/erb', 'erb'\nregister_lazy :B, 'tilt/rdoc'\nregister_lazy :C, 'tilt/nokogiri'\n",
      [`${vendor}/tilt/erb.rb`]: "",
      [`${vendor}/tilt/rdoc.rb`]: "require 'rdoc'",
      [`${vendor}/tilt/nokogiri.rb`]: "require 'nokogiri'",
      [`${vendor}/nokogiri.rb`]: "",
    };
    const found = kept(tree, { used: [`${vendor}/tilt.rb`] });
    expect(found).toEqual(["erb", "nokogiri", "rdoc"].map((name) => `${vendor}/tilt/${name}.rb`));
  });

  it("keeps data and the specification of a used gem, not its sources in C", () => {
    const tree = {
      "/app/app.rb": "",
      [`${gems}/specifications/zip-1.0.gemspec`]: 's.require_paths = ["lib"]',
      [`${gems}/extensions/x86_64-linux/3.1.0/zip-1.0/gem.build_complete`]: "",
      [`${gems}/extensions/x86_64-linux/3.1.0/zip-1.0/zip/native.so`]: "elf",
      [`${gems}/gems/zip-1.0/lib/zip.rb`]: "require 'zip/native'\n",
      [`${gems}/gems/zip-1.0/lib/zip/table.dat`]: "data",
      [`${gems}/gems/zip-1.0/lib/zip/unused.rb`]: "",
      [`${gems}/gems/zip-1.0/ext/zip/zip.c`]: "int main",
      [`${gems}/gems/zip-1.0/sig/zip.rbs`]: "",
      [`${gems}/gems/zip-1.0/README.md`]: "",
    };
    expect(kept(tree, { used: [`${gems}/gems/zip-1.0/lib/zip.rb`] })).toEqual(
      [
        `${gems}/extensions/x86_64-linux/3.1.0/zip-1.0/gem.build_complete`,
        `${gems}/extensions/x86_64-linux/3.1.0/zip-1.0/zip/native.so`,
        `${gems}/gems/zip-1.0/lib/zip/table.dat`,
        `${gems}/specifications/zip-1.0.gemspec`,
      ].sort(),
    );
  });

  it("keeps the data of a gem that only a method requires, and none of a gem that is only locked", () => {
    const authorities = `${gems}/gems/certifi-1.0/lib/certifi/vendor/cacert.pem`;
    const tree = {
      "/app/app.rb": "def call\n  require 'certifi'\nend\n",
      "/app/Gemfile.lock": "GEM\n  specs:\n    certifi (1.0)\n    idle (1.0)\n\nDEPENDENCIES\n  certifi\n  idle\n",
      [`${gems}/specifications/certifi-1.0.gemspec`]: "",
      [`${gems}/gems/certifi-1.0/lib/certifi.rb`]: "",
      [authorities]: "certificates",
      [`${gems}/specifications/idle-1.0.gemspec`]: "",
      [`${gems}/gems/idle-1.0/lib/idle.rb`]: "",
      [`${gems}/gems/idle-1.0/lib/idle.dat`]: "data",
    };
    expect(kept(tree)).toEqual([
      `${gems}/gems/certifi-1.0/lib/certifi.rb`,
      authorities,
      `${gems}/specifications/certifi-1.0.gemspec`,
      `${gems}/specifications/idle-1.0.gemspec`,
    ]);
  });

  it("reads what a native extension requires", () => {
    const tree = {
      "/app/app.rb": "require 'psych'",
      [`${std}/psych.rb`]: "require 'psych.so'",
      [`${std}/psych/syntax_error.rb`]: "",
      [`${arch}/psych.so`]: "\x7fELF\0rb_require\0psych/syntax_error\0",
    };
    expect(kept(tree)).toEqual([`${std}/psych.rb`, `${std}/psych/syntax_error.rb`, `${arch}/psych.so`].sort());
  });

  it("finds a gem whose code is not in lib, by its specification", () => {
    const tree = {
      "/app/app.rb": "require 'concurrent'",
      [`${gems}/specifications/concurrent-ruby-1.2.gemspec`]: 's.require_paths = ["lib/concurrent-ruby".freeze]',
      [`${gems}/gems/concurrent-ruby-1.2/lib/concurrent-ruby/concurrent.rb`]: "",
    };
    expect(kept(tree)).toContain(`${gems}/gems/concurrent-ruby-1.2/lib/concurrent-ruby/concurrent.rb`);
  });

  it("keeps every production gem of a framework's lock as it works, for this Ruby", () => {
    const bundle = "/app/vendor/bundle/ruby/3.1.0";
    const tree = {
      "/app/app.rb": "",
      "/app/Gemfile": 'gem "railties"\ngroup :test do\n  gem "rspec"\nend\n',
      "/app/Gemfile.lock":
        "GEM\n  specs:\n    railties (7.0)\n      noko (>= 1)\n    noko (1.1-x86_64-linux)\n    rspec (3.0)\n\nDEPENDENCIES\n  railties\n  rspec\n",
      [`${bundle}/specifications/railties-7.0.gemspec`]: "",
      [`${bundle}/specifications/noko-1.1-x86_64-linux.gemspec`]: "",
      [`${bundle}/specifications/rspec-3.0.gemspec`]: "",
      [`${bundle}/gems/railties-7.0/lib/rails/lazy.rb`]: "",
      [`${bundle}/gems/railties-7.0/test/lazy_test.rb`]: "",
      [`${bundle}/gems/noko-1.1-x86_64-linux/lib/noko/3.1/noko.so`]: "elf",
      [`${bundle}/gems/noko-1.1-x86_64-linux/lib/noko/3.2/noko.so`]: "elf",
      [`${bundle}/gems/rspec-3.0/lib/rspec.rb`]: "",
    };
    expect(kept(tree)).toEqual(
      [
        `${bundle}/gems/noko-1.1-x86_64-linux/lib/noko/3.1/noko.so`,
        `${bundle}/gems/railties-7.0/lib/rails/lazy.rb`,
        `${bundle}/specifications/noko-1.1-x86_64-linux.gemspec`,
        `${bundle}/specifications/railties-7.0.gemspec`,
      ].sort(),
    );
  });

  it("keeps small encodings always and the tables of East Asia when the application may ask for them", () => {
    const of = (source: string) =>
      keptBy(ruby, aPackContext({ ...base, "/app/app.rb": source }, given), given.seen).filter((path) =>
        path.includes("/enc/"),
      );
    for (const source of ["", '"x".encode("UTF-8")']) expect(of(source)).toEqual([`${arch}/enc/encdb.so`]);
    expect(of('"x".encode(params[:as])')).toEqual([`${arch}/enc/encdb.so`, `${arch}/enc/trans/big5.so`]);
  });

  it("keeps nothing where no Ruby ran", () => {
    const context = aPackContext({ ...base, "/app/app.rb": "require 'json'" }, { ...given, processes: [] });
    expect(keptBy(ruby, context, ["/app/app.rb"])).toEqual([]);
  });
});

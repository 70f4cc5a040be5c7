import { describe, expect, it } from "vitest";
import type { Tree } from "../../stages/select.builder.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { shell } from "./shell.ts";

const elf = Buffer.from("\x7fELF");
const names = "gzip tr sed awk mktemp gosu timeout openssl apt-get vim test echo date xargs curl".split(" ");
const tree: Tree = {
  ...Object.fromEntries(names.map((name) => [`/usr/bin/${name}`, elf])),
  "/usr/bin/awk": "-> mawk",
  "/usr/bin/mawk": elf,
  "/app/lib/common.sh": "today() { date +%F; }",
};
const kept = (script: string, more: Tree = {}, path = "/app/start.sh") =>
  keptBy(shell, aPackContext({ ...tree, [path]: script, ...more }, { application: ["/app"] }), [path], "run")
    .filter((each) => each.startsWith("/usr/bin/"))
    .map((each) => each.slice(9));

describe("the shell pack", () => {
  it.each<[string, string[]]>([
    ["gzip -9 x", ["gzip"]],
    ["x=$(tr a b < y | sed s/a/b/)", ["sed", "tr"]],
    ["x=`date`", ["date"]],
    ["if command -v openssl >/dev/null; then :; fi", ["openssl"]],
    ["case $1 in date) gosu app timeout 3 gzip;; esac", ["gosu", "gzip", "timeout"]],
    ["find . | xargs -0 gzip", ["gzip", "xargs"]],
    ["awk 1", ["awk", "mawk"]],
    ["echo x; test -f y; [ -f z ]", []],
    ["apt-get install -y vim", []],
    ["gzip() { :; }; gzip", []],
    ["cat <<E\ngzip\nE", []],
    ["# gzip\necho 'gzip; tr' \"gzip\"", []],
    ["$X gzip", []],
    ["/usr/bin/curl x", ["curl"]],
    ["../usr/bin/curl x", ["curl"]],
  ])("%j needs %j", (text, expected) => {
    expect(kept(`#!/bin/sh\n${text}\n`)).toEqual(expected);
  });

  it("reads what a script sources, from its own directory too", () => {
    expect(kept('#!/bin/bash\n. "$(dirname "$0")/lib/common.sh"\n')).toEqual(["date"]);
    expect(kept("#!/bin/bash\nsource lib/common.sh\n")).toEqual(["date"]);
  });

  it.each(["/usr/sbin/apachectl", "/usr/sbin/apache2ctl"])(
    "keeps what %s starts in every branch, once it ran",
    (path) => {
      const script = '#!/bin/sh\nif ! test -d "$LOCK"; then mktemp -d x; fi\ncase $1 in status) curl -s x;; esac\n';
      const given = (seen: string[]) => aPackContext({ ...tree, [path]: script }, { seen });
      expect(keptBy(shell, given([path]), [path], "run")).toEqual(["/usr/bin/curl", "/usr/bin/mktemp"]);
      expect(keptBy(shell, given([]), [path], "run")).toEqual([]);
    },
  );

  it("does not read scripts of the system, other languages and build scripts", () => {
    expect(kept("#!/bin/sh\ngzip", {}, "/usr/sbin/tool")).toEqual([]);
    expect(kept("#!/usr/bin/python3\ngzip")).toEqual([]);
    expect(kept("#!/bin/sh\ngzip", {}, "/app/tests/run.sh")).toEqual([]);
  });
});

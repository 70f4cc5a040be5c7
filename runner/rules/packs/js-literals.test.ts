import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsLiterals } from "./js-literals.ts";

const names = (source: string) => [...jsLiterals(source).keys()];
const specifiers = (source: string) => [...jsLiterals(source)].filter(([, is]) => is).map(([name]) => name);

describe("jsLiterals", () => {
  it.each([
    [`require("moment")`, ["moment"]],
    [`app.set('view engine', "ejs")`, ["view engine", "ejs"]],
    ["const x = `pug`; const y = `a$" + "{b}c`", ["pug"]],
    ["`a$" + "{f(`in`, {a: '}'})}c` + 'z'", ["in", "}", "z"]],
    [`// require("a")\n/* "b" */ 'c' /* "d`, ["c"]],
    [`"it's", 'a "b"'`, ["it's", 'a "b"']],
    [String.raw`'a\'b' + "\x41\u0042\n"`, ["a'b", "ABn"]],
    [`"over\\\nlines"`, ["overlines"]],
    [`<p>Don't</p>\n<a b="c"/>`, ["c"]],
    [`var a = /["']/; "b"`, ["b"]],
    [`var a = /[/"]/g.test("b")`, ["b"]],
    [`if(a)/["]/.test("b")`, ["b"]],
    [`x = (a)/2; y = "b" / 1`, ["b"]],
    [`a.if(b) / "c"; d/"e"`, ["c", "e"]],
    [`a++ / 2; "b" / 1`, ["b"]],
    [`return/'/.exec("a")`, ["a"]],
    ["/`/; 'a'", ["a"]],
    ["x)/`/; 'a'", ["a"]],
    [`""`, []],
    [`"unended`, []],
    [`#!/usr/bin/env node\n"a"`, ["a"]],
    [`"${"a".repeat(500)}" + "b"`, ["b"]],
    [`x={a:1}\n/"/.test("b")`, ["b"]],
  ])("%j", (source, expected) => {
    expect(names(source)).toEqual(expected);
  });

  it.each([
    [`const a = require("a"), b = require ( /* why */ 'b' ); c("c")`, ["a", "b"]],
    [`import x, { y } from "a"; import "b"; export * from 'c'; f(d, "e")`, ["a", "b", "c"]],
    ["await import(`a`); require.resolve('b/c.json')", ["a", "b/c.json"]],
    [`import type { A } from "a"\nconst from = "b"`, ["a"]],
    [`use("a"); require("a")`, ["a"]],
  ])("finds the specifiers of %j", (source, expected) => {
    expect(specifiers(source)).toEqual(expected);
  });

  it("finds the literals of one-line bundles behind expressions that only look like strings", () => {
    const line = `function a(b){if(b)/["'\`]/.test(b);return/[/]"/.exec(b)?b/2:"x"}var c=\`\${d?'e':"f"}\`;require("g");`;
    expect(names(line.repeat(3))).toEqual(["x", "e", "f", "g"]);
  });

  it("never throws and takes linear time", () => {
    const pieces = [
      "'",
      '"',
      "`",
      "${",
      "}",
      "/",
      "\\",
      "\n",
      "(",
      ")",
      "//",
      "/*",
      "*/",
      "[",
      "a",
      "if",
      "=",
      "\udc80",
    ];
    const source = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((all) => all.join(""));
    fc.assert(fc.property(fc.oneof(source, fc.string()), (text) => jsLiterals(text) !== undefined));
    for (const piece of ["`", "/", "`${", "/[", '"\\', "'\n", "(/", "/a\n"]) {
      // More than linear would not end within the test's time.
      expect(jsLiterals(piece.repeat(200_000))).toBeDefined();
    }
  });
});

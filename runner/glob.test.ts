import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileGlob, escapeGlob, expandGlob, splitGlob } from "./glob.ts";

const matches = (pattern: string, path: string) => compileGlob(pattern)(path);

describe("compileGlob", () => {
  it.each([
    ["/etc/passwd", "/etc/passwd", true],
    ["/etc/passwd", "/etc/passwd-", false],
    ["/etc/", "/etc", true],
    ["/etc/*", "/etc/ssl", true],
    ["/etc/*", "/etc/ssl/certs", false],
    ["/etc/**", "/etc/ssl/certs", true],
    ["/etc/**", "/etc", false],
    ["/a/**/b", "/a/b", true],
    ["/a/**/b", "/a/x/y/b", true],
    ["/a/**/b", "/a/xb", false],
    ["/a/**/**/b", "/a/b", true],
    ["/a**b", "/a/x/b", true],
    ["/lib/*.so.?", "/lib/libc.so.6", true],
    ["/lib/*.so.?", "/lib/libc.so.6.1", false],
    ["/a?c", "/a/c", false],
    ["/a[!b]c", "/a/c", false],
    ["/a[0-9x]", "/a7", true],
    ["/a[0-9x]", "/ax", true],
    ["/a[0-9x]", "/a-", false],
    ["/a[]-]", "/a]", true],
    ["/a[\\]x]", "/ax", true],
    ["/a[a\\-c]", "/ab", false],
    ["/{usr/,}lib/x", "/lib/x", true],
    ["/{usr/,}lib/x", "/usr/lib/x", true],
    ["/a{b,{c,d}e}", "/ade", true],
    ["/a\\*", "/a*", true],
    ["/a\\*", "/ab", false],
    ["*.md", "/usr/share/doc/x.md", true],
    ["*.md", "/x.md", true],
    ["doc/*.md", "/usr/doc/x.md", true],
    ["**", "/anything/at/all", true],
    ["/snow?man", "/snow😀man", true],
    ["/x[😀-😂]", "/x😁", true],
  ])("%s on %s: %s", (pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected);
  });

  it.each([
    ["/a[b", "a [ is never closed"],
    ["/a{b,c", "a { is never closed"],
    ["/a\\", "it ends with a backslash"],
    ["/[z-a]", "a set holds a range that runs backwards"],
    ["/[[:alpha:]]", "sets like [[:alpha:]] are not known"],
    [`/${"a".repeat(4096)}`, "it is longer than 4096 characters"],
    [`/${"{a,b}".repeat(7)}`, "its braces stand for more than 64 alternatives"],
    [`/{${"a,".repeat(64)}b}`, "its braces stand for more than 64 alternatives"],
    ["/a\0", "it holds a NUL character"],
    ["{".repeat(4000), "its braces are nested more than 8 deep"],
  ])("refuses %s", (pattern, why) => {
    expect(() => compileGlob(pattern)).toThrowError(
      expect.objectContaining({ code: "request.invalid", message: expect.stringContaining(why) }),
    );
  });

  it("answers patterns that make backtracking matchers hang within a bounded number of steps", () => {
    const stars = `/${"*a".repeat(2000)}*b`;
    const deep = `/${"**/a".repeat(1000)}/b`;
    const path = `/${"a".repeat(4094)}`;
    const started = performance.now();
    expect(matches(stars, path)).toBe(false);
    expect(matches(deep, `/${"a/".repeat(2047)}`)).toBe(false);
    // Exponential would be longer than the age of the universe; this allows a machine that is thirty times slower.
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  it("agrees with a slow reference on random patterns and paths", () => {
    const piece = fc.constantFrom("a", "b", "/", "/", "*", "**", "?", "[ab]", "[!a]", "{a,b/}", "{,**/}", "\\*", "é");
    const pattern = fc.array(piece, { maxLength: 7 }).map((pieces) => `/${pieces.join("")}`);
    const path = fc
      .array(fc.constantFrom("a", "b", "/", "*", "é"), { maxLength: 9 })
      .map((chars) => `/${chars.join("")}`);
    fc.assert(
      fc.property(pattern, path, (glob, text) => {
        expect(matches(glob, text)).toBe(slowly(glob, text));
      }),
      { numRuns: 20_000 },
    );
  });
});

describe("expandGlob", () => {
  it("lists the alternatives in order, each absolute", () => {
    expect(expandGlob("/{a,b}{1,2}")).toEqual(["/a1", "/a2", "/b1", "/b2"]);
    expect(expandGlob("*.{md,txt}")).toEqual(["/**/*.md", "/**/*.txt"]);
  });

  it("leaves commas and braces inside sets alone", () => {
    expect(expandGlob("/[{,}]{x,y}")).toEqual(["/[{,}]x", "/[{,}]y"]);
  });
});

describe("splitGlob", () => {
  it.each([
    ["/usr/lib/*.so", "/usr/lib", "*.so"],
    ["/opt/app/", "/opt/app", ""],
    ["/a\\*b/c/**/d", "/a*b/c", "**/d"],
    ["/*", "/", "*"],
    ["/", "/", ""],
  ])("%s", (pattern, literal, rest) => {
    expect(splitGlob(pattern)).toEqual({ literal, rest });
  });
});

it("an escaped path matches itself and nothing else", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("a", "*", "{", "}", ",", "[", "]", "?", "\\", "-"), { maxLength: 8 }),
      (chars) => {
        const path = `/${chars.join("")}`;
        expect(expandGlob(escapeGlob(path))).toHaveLength(1);
        expect(matches(escapeGlob(path), path)).toBe(true);
        expect(matches(escapeGlob(path), `${path}x`)).toBe(false);
      },
    ),
  );
});

/** Tries every possibility, straight from the documented meaning of each construct; only for short inputs. */
function slowly(pattern: string, path: string): boolean {
  const brace = /(?<!\\)\{([^{}]*)\}/.exec(pattern);
  if (brace) {
    const head = pattern.slice(0, brace.index);
    const tail = pattern.slice(brace.index + brace[0].length);
    return (brace[1] ?? "").split(",").some((choice) => slowly(head + choice + tail, path));
  }
  return slowFrom(pattern.length > 1 ? pattern.replace(/(?<=[^\\/])\/+$/, "") : pattern, path, "");
}

function slowFrom(pattern: string, path: string, before: string): boolean {
  if (pattern === "") return path === "";
  const stars = /^\*+/.exec(pattern)?.[0] ?? "";
  if (stars.length > 0) {
    const rest = pattern.slice(stars.length);
    const whole = stars.length > 1 && before === "/" && rest.startsWith("/");
    for (let taken = 0; taken <= path.length; taken++) {
      const text = path.slice(0, taken);
      if (stars.length === 1 && text.includes("/")) break;
      if (whole) {
        if ((text === "" || text.endsWith("/")) && slowFrom(rest.slice(1), path.slice(taken), "/")) return true;
      } else if (slowFrom(rest, path.slice(taken), "*")) return true;
    }
    return false;
  }
  const [char = ""] = path;
  if (pattern.startsWith("?")) return char !== "" && char !== "/" && slowFrom(pattern.slice(1), path.slice(1), "?");
  const set = /^\[(!?)([ab]+)\]/.exec(pattern);
  if (set)
    return (
      char !== "" &&
      char !== "/" &&
      (set[2] ?? "").includes(char) !== (set[1] === "!") &&
      slowFrom(pattern.slice(set[0].length), path.slice(1), "]")
    );
  const escaped = pattern.startsWith("\\") ? 1 : 0;
  const wanted = pattern[escaped] ?? "";
  return char === wanted && slowFrom(pattern.slice(escaped + 1), path.slice(1), escaped ? "\\" : wanted);
}

import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitWords, toArgv, toExecArgv } from "./shell-words.ts";

describe("splitting", () => {
  it.each([
    ["node app.js", ["node", "app.js"]],
    ["  a \t b\n", ["a", "b"]],
    ["", []],
    [`say 'it''s' "two words" th"r"ee`, ["say", "its", "two words", "three"]],
    [`'' ""`, ["", ""]],
    [String.raw`a\ b \"c\" 'd\e'`, ["a b", '"c"', String.raw`d\e`]],
    [String.raw`"a\"b\\c\d\$e"`, [String.raw`a"b\c\d$e`]],
    ["one\\\ntwo", ["onetwo"]],
  ])("%j gives %j", (text, words) => {
    expect(splitWords(text)).toEqual({ words, needsShell: false });
  });

  it.each(["'open", '"open', "end\\", `"a\\"`])("refuses %j, which does not end", (text) => {
    expect(() => splitWords(text)).toThrow(expect.objectContaining({ code: "request.invalid" }));
  });

  it("splits as sh does", () => {
    // Blanks, quotes and backslashes in any order; nothing that sh would expand.
    const piece = fc.constantFrom("a", "b", " ", "'", '"', "\\", "-", "=", "\t");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        let ours: string[];
        try {
          ours = splitWords(text).words;
        } catch {
          return; // unfinished, of which sh makes a syntax error or the end of its input
        }
        const theirs = execFileSync("sh", ["-c", `printf '%s\\0' x ${text}`], { encoding: "utf8" })
          .split("\0")
          .slice(1, -1);
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 200 },
    );
  });
});

describe("a command to run in the container", () => {
  it.each([
    "a | b",
    "a; b",
    "a && b",
    "a > f",
    "a < f",
    "echo $HOME",
    'echo "$HOME"',
    "echo `id`",
    "echo $(id)",
    "a &",
    "a\nb",
    "(a)",
  ])("runs %j in a shell", (text) => {
    expect(toExecArgv(text)).toEqual(["sh", "-c", text]);
  });

  it.each([
    ["echo '$HOME | ;'", ["echo", "$HOME | ;"]],
    [String.raw`echo \$HOME "a;b"`, ["echo", "$HOME", "a;b"]],
    ["curl http://x/?a=1", ["curl", "http://x/?a=1"]],
    ['["sh", "-c", "a | b"]', ["sh", "-c", "a | b"]],
    ["[ -f /x ]", ["[", "-f", "/x", "]"]],
  ])("runs %j directly", (text, argv) => {
    expect(toExecArgv(text)).toEqual(argv);
  });
});

it("a JSON array is taken as it is, a broken one is refused", () => {
  expect(toArgv('["a b", ""]')).toEqual(["a b", ""]);
  expect(toArgv("[]")).toEqual([]);
  for (const text of ['["a"', '["a", 1]']) expect(() => toArgv(text)).toThrow(/JSON array/);
});

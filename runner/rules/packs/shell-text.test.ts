import { describe, expect, it } from "vitest";
import { readShell } from "./shell-text.ts";

const commands = (text: string, variables: Record<string, string> = {}, script?: string) =>
  readShell(text, new Map(Object.entries(variables)), script).commands.map((words) =>
    words.join(" ").replaceAll("\0", "?"),
  );

describe("readShell", () => {
  it.each<[string, string, string[]]>([
    ["plain commands", "a b\nc 'd e' \"f\"; g & h", ["a b", "c d e f", "g", "h"]],
    ["pipes and lists", "a|b && c || d |& e", ["a", "b", "c", "d", "e"]],
    ["substitutions", 'x="$(a "$(b c)" `d e`)" f', ["b c", "d e", "a ? ?", "f"]],
    ["a subshell inside a substitution", "x=$( (a); b ); c", ["a", "b", "c"]],
    ["process substitution", "a <(b c) d", ["b c", "a d"]],
    ["assignments before a command", "A=1 B='2 3' run it", ["run it"]],
    [
      "keywords",
      "if a; then b; elif ! c; then d; else e; fi; while f; do g; done",
      ["a", "b", "c", "d", "e", "f", "g"],
    ],
    ["loops over words", "for x in node npm; do a $x; done", ["a ?"]],
    ["case patterns", 'case "$1" in\n node|npm) a ;;\n # c)\n (*) b;;\nesac\nd', ["a", "b", "d"]],
    ["nested case", "case $a in x) case $b in y) c;; esac;; z) d;; esac; e", ["c", "d", "e"]],
    ["comments", "a # b; c\n#d\ne#f", ["a", "e#f"]],
    ["redirections", "a > b 2>&1 < c >>d 2>/dev/null", ["a"]],
    ["here-documents", "cat <<EOF | tr a b\nrm $(x)\nEOF\nc <<-'E'\n\td\n\tE\ne", ["cat", "tr a b", "c", "e"]],
    ["continued lines", "a \\\n b\\\nc", ["a bc"]],
    ["functions", "f() { a; }\nfunction g { b; }\nf", ["a", "b", "f"]],
    ["tests", "[ -x /a ] && b; [[ $c == d* ]]", ["[ -x /a ]", "b"]],
    ["an escaped quote", 'a "b\\"c" d', ['a b"c d']],
    ["a broken quote", "a 'b\nc", ["a b\nc"]],
  ])("reads %s", (_, text, expected) => {
    expect(commands(text)).toEqual(expected);
  });

  it("puts in variables that the script sets to a literal, that are given, or that have a default", () => {
    expect(commands(`D=/opt/x; $D/run "\${B}" \${C:-c d} \${E:=$F} $E $G`, { B: "b", F: "f" })).toEqual([
      "/opt/x/run b c d f f ?",
    ]);
  });

  it("knows the script's own directory by the usual idioms", () => {
    const text = `. "$(dirname "$0")/lib.sh"\nHERE=$(cd "$(dirname "\${BASH_SOURCE[0]}")" && pwd)\n$HERE/bin/run\n\${0%/*}/x`;
    expect(commands(text, {}, "/opt/app/start.sh")).toEqual([". /opt/app/lib.sh", "/opt/app/bin/run", "/opt/app/x"]);
  });

  it("tells functions, so that they are not taken for programs", () => {
    expect([...readShell("log () { echo; }\nfunction die { exit 1; }").functions]).toEqual(["log", "die"]);
  });

  it.each([
    ["open parentheses", "$(".repeat(50_000)],
    ["open quotes", "\"'`".repeat(50_000)],
    ["dollars", "${a".repeat(50_000)],
    ["case ends", "case a in ".repeat(20_000) + ";; ".repeat(50_000)],
    ["here-documents", "a <<E ".repeat(20_000)],
    ["one long word", "a".repeat(1 << 20)],
    ["backquotes in backquotes", "`\\`\\\\`".repeat(20_000)],
    ["subshells", "(".repeat(200_000)],
  ])("takes little time for hostile text: %s", (_, text) => {
    const start = performance.now();
    readShell(text, new Map(), "/a/b");
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});

/** One step of an image's history as a Dockerfile would say it. `text` is what follows the instruction, as recorded. */
export type Instruction = { name: string; text: string; shell: string[] };

const names = [
  "ADD",
  "ARG",
  "CMD",
  "COPY",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "HEALTHCHECK",
  "LABEL",
  "MAINTAINER",
  "ONBUILD",
  "RUN",
  "SHELL",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
];

/**
 * Reads `created_by` as the classic builder (`/bin/sh -c #(nop)  CMD ["x"]`, `/bin/sh -c cmd`), BuildKit (`RUN /bin/sh -c cmd
 * # buildkit`, `CMD ["x"]`) and those that copy them (Podman, Kaniko) write it. Undefined for what is no instruction (a base
 * image's import, Bazel, ours).
 */
export function readInstruction(createdBy: string): Instruction | undefined {
  const text = createdBy.replace(/ # buildkit\s*$/, "").trim();
  const [, classic] = /^(?:\|\d+ .*? )?\/bin\/sh -c #\(nop\)\s+([\s\S]*)$/.exec(text) ?? [];
  const [, name = "", rest = ""] = /^([A-Z]+)(?:\s+([\s\S]*))?$/.exec(classic ?? text) ?? [];
  if (names.includes(name)) {
    if (name === "RUN") return readRun(rest);
    return { name, text: name === "ADD" || name === "COPY" ? withoutIn(rest.trim()) : rest.trim(), shell: [] };
  }
  return classic === undefined && /^(\|\d+ |\/\S+ (?:-\S+ )*-c )/.test(text) ? readRun(text) : undefined;
}

/** The classic builder writes `COPY file:HASH in /target `; the hash stands for files of a context that is gone. */
const withoutIn = (text: string): string => text.replace(/^((?:file|dir|multi):\S+) in (.*)$/s, "$1 $2");

/** `|2 A=1 B=2 /bin/sh -c cmd`: build arguments first, then the shell, then the command. */
function readRun(text: string): Instruction {
  const count = /^\|(\d+) /.exec(text);
  const command = count ? dropArguments(text.slice(count[0].length), Number(count[1])) : text;
  const shell = /^(\/\S+(?: -[\w-]+| [\w-]+(?= -))* -\w*c) ([\s\S]*)$/.exec(command);
  return { name: "RUN", text: (shell?.[2] ?? command).trim(), shell: shell?.[1]?.split(" ") ?? [] };
}

/** Values may hold blanks, so the arguments are skipped by where the shell begins, not by counting words alone. */
function dropArguments(text: string, count: number): string {
  const shell = /(?:^| )(\/\S+(?: -[\w-]+| [\w-]+(?= -))* -\w*c )/.exec(text);
  if (shell) return text.slice(shell.index).trimStart();
  return text.split(" ").slice(count).join(" ");
}

/**
 * The words of a list as Go prints it: `["a" "b c"]` (quoted), `[/bin/bash -c]` (not), or JSON. Unquoted words with blanks
 * cannot be told apart.
 */
export function readWords(text: string): string[] | undefined {
  const [, inside] = /^\[([\s\S]*)\]$/.exec(text.trim()) ?? [];
  if (inside === undefined) return undefined;
  if (!/^\s*"/.test(inside)) return inside.trim() === "" ? [] : inside.trim().split(/\s+/);
  const words = inside.match(/"(?:[^"\\]|\\[\s\S])*"/g) ?? [];
  return words.map(unquote);
}

/** Go's and JSON's quoted strings share all escapes that occur in commands; Go's `\x00` and `\a` are written for JSON. */
function unquote(word: string): string {
  try {
    const json = word
      .replace(/\\x([0-9a-fA-F]{2})/g, "\\u00$1")
      .replace(/\\a/g, "\\u0007")
      .replace(/\\v/g, "\\u000b");
    return String(JSON.parse(json));
  } catch {
    return word.slice(1, -1);
  }
}

/**
 * Splits `A=1 B=two words` into its pairs. Recorded without quotes, it is ambiguous; a name of `known` (those that the final
 * config has) starts a new pair, other words belong to the value before.
 */
export function readPairs(text: string, known: ReadonlySet<string>): [string, string][] {
  const starts: { at: number; name: string }[] = [];
  for (const match of text.matchAll(/(^|\s)("?)([^\s="]+)\2=/g)) {
    const name = match[3] ?? "";
    if (match.index === 0 || known.has(name)) starts.push({ at: match.index + match[0].length, name });
  }
  if (starts.length === 0) {
    // The oldest form, `ENV NAME value`.
    const [, name, value] = /^(\S+)\s+([\s\S]*)$/.exec(text) ?? [];
    return name ? [[name, value ?? ""]] : [];
  }
  return starts.map(({ at, name }, index) => {
    const next = starts[index + 1];
    const end = next ? text.lastIndexOf(next.name, next.at - 1) : text.length;
    return [
      name,
      withoutQuotes(
        text
          .slice(at, end)
          .replace(/"$/, (quote) => (next ? "" : quote))
          .trimEnd(),
      ),
    ];
  });
}

const withoutQuotes = (value: string): string => (/^"(?:[^"\\]|\\[\s\S])*"$/.test(value) ? unquote(value) : value);

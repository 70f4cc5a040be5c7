/**
 * Reads shell scripts as far as needed to tell which programs they may start, in every branch: a scanner for words and simple
 * commands (POSIX.1-2017, chapter 2, and the common parts of bash), no interpreter. It takes time linear in the text, goes on
 * behind anything that it does not understand, and never runs anything.
 */

/** What a word holds of unknown variables: a word with it names nothing. */
export const unknown = "\0";

export type ShellFacts = {
  /** The words of every simple command, in the order of the text, assignments and redirections left out. */
  commands: string[][];
  /** Names of functions: they shadow programs. */
  functions: Set<string>;
};

const maxDepth = 24;
const maxCommands = 20_000;
const reserved = new Set("if then elif else while until do ! { } ( ) time fi done esac coproc function".split(" "));

/**
 * @param variables values known from outside; literal assignments of the script are added as they are read
 * @param script path of the script: what `$(dirname "$0")` stands for
 */
export function readShell(
  text: string,
  variables: ReadonlyMap<string, string> = new Map(),
  script?: string,
): ShellFacts {
  const state: State = { variables: new Map(variables), facts: { commands: [], functions: new Set() } };
  scan(script === undefined ? text : withDirectory(text, script), 0, "", state, 0);
  return state.facts;
}

type State = { variables: Map<string, string>; facts: ShellFacts };

/** The idioms by which a script finds its own directory. */
function withDirectory(text: string, script: string): string {
  const directory = script.replace(/\/[^/]*$/, "") || "/";
  return text
    .replace(
      /\$\(\s*dirname\s+(?:--\s+)?"?\$\{?(?:0|BASH_SOURCE(?:\[0\])?)\}?"?\s*\)|\$\{(?:0|BASH_SOURCE(?:\[0\])?)%\/\*\}/g,
      () => directory,
    )
    .replace(
      /\$\(\s*cd\s+(?:-P\s+)?"?(\/[^"$`()&;|\s]{0,200})"?\s*(?:>\s?\/dev\/null)?\s*(?:&&|;)\s*pwd(?:\s+-P)?\s*\)/g,
      "$1",
    );
}

/** Reads commands up to `end` (`)`, or the end of the text) and returns the index behind it. */
function scan(text: string, from: number, end: string, state: State, depth: number): number {
  let words: string[] = [];
  let cases = 0;
  let nested = 0;
  const docs: { mark: string; tabs: boolean }[] = [];
  const finish = () => {
    take(words, state);
    words = [];
  };
  let at = from;
  while (at < text.length) {
    const char = text[at] ?? "";
    if (char === "\n") {
      finish();
      at = docs.length > 0 ? skipDocuments(text, at + 1, docs.splice(0)) : at + 1;
      continue;
    }
    if (char === " " || char === "\t" || char === "\r") at++;
    else if (char === "\\" && text[at + 1] === "\n") at += 2;
    else if (char === "#") at = lineEnd(text, at);
    else if (char === ")") {
      finish();
      at++;
      if (nested > 0) nested--;
      else if (end === ")") return at;
    } else if (char === ";" || char === "&" || char === "|") {
      finish();
      const isCaseEnd = char === ";" && (text[at + 1] === ";" || text[at + 1] === "&");
      at += isCaseEnd ? 2 : 1;
      if (isCaseEnd && cases > 0) at = skipPattern(text, at);
    } else if (char === "(") {
      if (words.length === 1 && /^\(\s*\)/.test(text.slice(at, at + 8))) {
        state.facts.functions.add(words[0] ?? "");
        words = [];
        at = text.indexOf(")", at) + 1;
      } else {
        finish();
        nested++;
        at++;
      }
    } else if ((char === "<" || char === ">") && text[at + 1] === "(") {
      at = depth < maxDepth ? scan(text, at + 2, ")", state, depth + 1) : at + 2;
    } else if (char === "<" || char === ">") {
      at = redirect(text, at, state, depth, docs);
    } else {
      const word = readWord(text, at, state, depth);
      // `2>file`: the number belongs to the redirection
      if (!(/^\d$/.test(word.text) && (text[word.end] === ">" || text[word.end] === "<"))) words.push(word.text);
      at = Math.max(word.end, at + 1);
      if (words[0] === "function" && words.length === 2) {
        state.facts.functions.add(words[1] ?? "");
        words = [];
      } else if (words[0] === "case" && words.length === 3 && words[2] === "in") {
        cases++;
        words = [];
        at = skipPattern(text, at);
      } else if (words[0] === "esac") cases = Math.max(0, cases - 1);
    }
  }
  finish();
  return at;
}

function lineEnd(text: string, at: number): number {
  const found = text.indexOf("\n", at);
  return found < 0 ? text.length : found;
}

/** Behind the `)` of a case pattern; where it began when the case ends there. Quotes in patterns hide no `)` in practice. */
function skipPattern(text: string, from: number): number {
  const start = /(?:\s|#[^\n]*\n)*/y;
  start.lastIndex = from;
  start.test(text);
  const at = Math.max(start.lastIndex, from);
  if (/^esac\b/.test(text.slice(at, at + 5))) return at;
  const found = text.indexOf(")", text[at] === "(" ? at + 1 : at);
  return found < 0 ? text.length : found + 1;
}

function redirect(
  text: string,
  from: number,
  state: State,
  depth: number,
  docs: { mark: string; tabs: boolean }[],
): number {
  const operator = /^(<<<|<<-|<<|<>|<&|>>|>&|>\||<|>)/.exec(text.slice(from, from + 3))?.[0] ?? "<";
  let at = from + operator.length;
  while (text[at] === " " || text[at] === "\t") at++;
  if (at >= text.length || /[\n;|()]/.test(text[at] ?? "")) return at;
  const target = readWord(text, at, state, depth);
  if (operator === "<<" || operator === "<<-")
    docs.push({ mark: text.slice(at, target.end).replace(/["'\\]/g, ""), tabs: operator === "<<-" });
  return Math.max(target.end, at + 1);
}

function skipDocuments(text: string, from: number, docs: readonly { mark: string; tabs: boolean }[]): number {
  let at = from;
  for (const { mark, tabs } of docs) {
    while (at < text.length) {
      const end = lineEnd(text, at);
      const line = text.slice(at, end);
      at = end + 1;
      if ((tabs ? line.replace(/^\t+/, "") : line).replace(/\r$/, "") === mark) break;
    }
  }
  return at;
}

/** One word with its quotes taken off and known variables put in; commands in `$( )` and backquotes are read on the way. */
function readWord(text: string, from: number, state: State, depth: number): { text: string; end: number } {
  let word = "";
  let at = from;
  let isQuoted = false;
  while (at < text.length) {
    const char = text[at] ?? "";
    if (!isQuoted && /[\s;&|()<>]/.test(char)) break;
    if (char === "\\") {
      if (text[at + 1] !== "\n") word += text[at + 1] ?? "";
      at += 2;
    } else if (char === '"') {
      isQuoted = !isQuoted;
      at++;
    } else if (char === "'" && !isQuoted) {
      const end = text.indexOf("'", at + 1);
      word += text.slice(at + 1, end < 0 ? text.length : end);
      at = end < 0 ? text.length : end + 1;
    } else if (char === "`") {
      const end = closing(text, at + 1);
      if (depth < maxDepth) scan(text.slice(at + 1, end).replace(/\\([`$\\])/g, "$1"), 0, "", state, depth + 8);
      word += unknown;
      at = end + 1;
    } else if (char === "$" && text[at + 1] === "(") {
      const isSum = text[at + 2] === "(";
      at = depth >= maxDepth || isSum ? at + 2 : scan(text, at + 2, ")", state, depth + 1);
      word += unknown;
    } else if (char === "$") {
      const value = readVariable(text, at, state);
      word += value.text;
      at = value.end;
    } else {
      word += char;
      at++;
    }
  }
  return { text: word, end: at };
}

function closing(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "`") return at;
  }
  return text.length;
}

function readVariable(text: string, from: number, { variables }: State): { text: string; end: number } {
  // A default may hold a plain word or one more variable; anything longer is not worth following.
  const pattern = /\$(?:(\w+)|\{(\w+)(?:(:?[-=])(\$?[^{}$`]{0,200}))?\}|\{[^{}]{0,200}\}|[@*#?!$-])?/y;
  pattern.lastIndex = from;
  const found = pattern.exec(text);
  const end = Math.max(pattern.lastIndex, from + 1);
  const name = found?.[1] ?? found?.[2];
  const value = name === undefined ? undefined : variables.get(name);
  const given = found?.[4]?.replace(/["']/g, "");
  const fallback = given?.startsWith("$") ? variables.get(given.slice(1)) : given;
  if (name !== undefined && found?.[3]?.endsWith("=") && !value && fallback !== undefined)
    variables.set(name, fallback);
  return { text: value || (fallback ?? value ?? unknown), end };
}

function take(given: readonly string[], { variables, facts }: State): void {
  let words = [...given];
  while (words[0] !== undefined && reserved.has(words[0])) words = words.slice(1);
  if (/^(export|readonly|local|declare|typeset)$/.test(words[0] ?? "")) words = words.slice(1);
  for (let match = /^(\w+)\+?=(.*)$/s.exec(words[0] ?? ""); match; match = /^(\w+)\+?=(.*)$/s.exec(words[0] ?? "")) {
    const [, name = "", value = ""] = match;
    if (!value.includes(unknown) && value.length < 4096) variables.set(name, value);
    words = words.slice(1);
  }
  if (words.length > 0 && !/^(for|select|case|in|\[\[)$/.test(words[0] ?? "") && facts.commands.length < maxCommands)
    facts.commands.push(words.slice(0, 400));
}

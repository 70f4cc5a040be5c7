import { WinnowError } from "#contract/error.ts";

/** Unquoted, each of these makes a shell do more than split words; the last two also do within double quotes. */
const operators = new Set(["|", ";", "&", "<", ">", "(", ")", "\n"]);
const expansions = new Set(["$", "`"]);

type Words = { words: string[]; needsShell: boolean };

/**
 * Splits a command line as `sh` would (XCU 2.2, quoting): blanks part words, single quotes take everything, double quotes all but
 * `\` before `$ " \` and backquote, a backslash the next character. Nothing is expanded. `needsShell` tells that the text holds a pipe, a list,
 * a redirection, a variable or a command substitution. Throws `request.invalid` for a quote that does not end.
 */
export function splitWords(text: string): Words {
  const words: string[] = [];
  let word: string | undefined; // undefined between words; "" is a word when it was quoted
  let quote: "'" | '"' | undefined;
  let needsShell = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (quote === "'") {
      if (character === "'") quote = undefined;
      else word = (word ?? "") + character;
    } else if (character === "\\") {
      const next = text.charAt(++at);
      if (next === "") throw unfinished(text, "a backslash");
      if (next === "\n") continue; // a line goes on
      word = (word ?? "") + (quote === '"' && !'$`"\\'.includes(next) ? `\\${next}` : next);
    } else if (quote === '"') {
      needsShell ||= expansions.has(character);
      if (character === '"') quote = undefined;
      else word = (word ?? "") + character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (character === " " || character === "\t" || character === "\n") {
      needsShell ||=
        character === "\n" && text.slice(at).trim() !== "" && words.length + (word === undefined ? 0 : 1) > 0;
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      needsShell ||= operators.has(character) || expansions.has(character);
      word = (word ?? "") + character;
    }
  }
  if (quote) throw unfinished(text, quote === "'" ? "a single quote" : "a double quote");
  if (word !== undefined) words.push(word);
  return { words, needsShell };
}

/** An argument vector from `["a", "b c"]` (JSON) or `a "b c"` (split, nothing expanded). Throws `request.invalid`. */
export function toArgv(text: string): string[] {
  return fromJson(text) ?? splitWords(text).words;
}

/** As `toArgv`, but text that only a shell understands becomes `sh -c TEXT`; the image must have a shell then. */
export function toExecArgv(text: string): string[] {
  const listed = fromJson(text);
  if (listed) return listed;
  const { words, needsShell } = splitWords(text);
  return needsShell ? ["sh", "-c", text] : words;
}

/** The array that the text is; undefined when it is not one. `[ -f /x ]` is a command, `["a` a broken array. */
function fromJson(text: string): string[] | undefined {
  if (!/^\s*\[\s*["\]]/.test(text)) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed) && parsed.every((item) => typeof item === "string")) return parsed;
  } catch {
    // said below, for both kinds of fault
  }
  throw new WinnowError(
    "request.invalid",
    `${JSON.stringify(text)} is not a JSON array of strings.`,
    'Write ["command", "argument"], or the command as in a shell.',
  );
}

function unfinished(text: string, what: string): WinnowError {
  return new WinnowError(
    "request.invalid",
    `${what} in ${JSON.stringify(text)} does not end.`,
    "Close it, or put a backslash before it.",
  );
}

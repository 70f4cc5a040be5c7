/**
 * What the string literals of a JavaScript or TypeScript source name: literal to whether it stands as the specifier of an
 * import (`require("x")`, `import("x")`, `from "x"`, `import "x"`).
 */
export type Literals = ReadonlyMap<string, boolean>;

/** Longer ones name no package: npm's limit for a name, and some for the path behind it. */
const maxLength = 400;

const keywordsBeforeRegex = /^(?:return|typeof|case|in|of|delete|void|throw|new|else|do|instanceof|await|yield)$/;
const keywordsWithCondition = /^(?:if|while|for|with)$/;

/**
 * The string literals of a source, comments and regular expressions passed over; templates count when nothing is inserted.
 * One pass, never throws. It follows the lexical grammar except where only a parser could tell a regular expression from a
 * division: there it guesses, and a guess gone wrong ends with the line, as no plain literal goes over one.
 * @param source text in any encoding that has ASCII in its place
 */
export function jsLiterals(source: string): Literals {
  const found = new Map<string, boolean>();
  const length = source.length;
  /** For each open `(`: whether a regular expression may follow its end. */
  const parentheses: boolean[] = [];
  /** For each template whose `${` is open: how many `{` stand within. */
  const templates: number[] = [];
  let previous = "";
  let beforePrevious = "";
  let allowsRegex = true;
  let at = 0;

  const token = (text: string, regexMayFollow: boolean) => {
    beforePrevious = previous;
    previous = text;
    allowsRegex = regexMayFollow;
  };
  const literal = (raw: string) => {
    if (raw.length > 0 && raw.length <= maxLength) {
      const text = raw.includes("\\") ? unescaped(raw) : raw;
      found.set(text, isSpecifier(beforePrevious, previous) || found.get(text) === true);
    }
    token('"', false);
  };

  /** From behind a backquote or the `}` of an insertion; returns where the code goes on. */
  function template(start: number, isHead: boolean): number {
    for (let end = start; end < length; end++) {
      const code = source.charCodeAt(end);
      if (code === 0x5c) end++;
      else if (code === 0x60) {
        if (isHead) literal(source.slice(start, end));
        else token('"', false);
        return end + 1;
      } else if (code === 0x24 && source.charCodeAt(end + 1) === 0x7b) {
        templates.push(0);
        token("{", true);
        return end + 2;
      }
    }
    // A backquote without an end was none, most likely one in a regular expression: what follows is code.
    token('"', false);
    return isHead ? start : length;
  }

  let unended = 0;
  // What was looked through in vain is not looked through again.
  let noRegexBefore = 0;
  while (at < length) {
    const code = source.charCodeAt(at);
    if (code <= 0x20) at++;
    else if (code === 0x22 || code === 0x27) {
      const end = stringEnd(source, at + 1, code);
      // Not ended in its line: an apostrophe in the text of a JSX element. What follows it is text, and code again.
      if (source.charCodeAt(end) === code) literal(source.slice(at + 1, end));
      at = end + 1;
    } else if (code === 0x60) {
      const next = template(at + 1, true);
      // Each failure looks at the rest of the source: a few are enough.
      if (next === at + 1 && ++unended > 3) return found;
      at = next;
    } else if (code === 0x2f) {
      const next = source.charCodeAt(at + 1);
      if (next === 0x2f) at = lineEnd(source, at);
      else if (next === 0x2a) {
        const end = source.indexOf("*/", at + 2);
        at = end < 0 ? length : end + 2;
      } else {
        const end = allowsRegex && at >= noRegexBefore ? regexEnd(source, at + 1) : at;
        if (end < 0) noRegexBefore = -end;
        token(end > at ? '"' : "/", end <= at);
        at = end > at ? end : at + 1;
      }
    } else if (isWord(code)) {
      const start = at;
      while (at < length && isWord(source.charCodeAt(at))) at++;
      const word = at - start > 16 ? "_" : source.slice(start, at);
      token(word, previous !== "." && keywordsBeforeRegex.test(word));
    } else {
      const open = templates.at(-1);
      if (code === 0x28) parentheses.push(beforePrevious !== "." && keywordsWithCondition.test(previous));
      else if (code === 0x7b && open !== undefined) templates[templates.length - 1] = open + 1;
      else if (code === 0x7d && open !== undefined) {
        if (open === 0) {
          templates.pop();
          at = template(at + 1, false);
          continue;
        }
        templates[templates.length - 1] = open - 1;
      }
      const text = source.charAt(at);
      if (code === 0x29) token(text, parentheses.pop() ?? false);
      // `a++ / 2`
      else if ((code === 0x2b || code === 0x2d) && previous === text) token(text, false);
      else token(text, code !== 0x5d);
      at++;
    }
  }
  return found;
}

function isSpecifier(beforePrevious: string, previous: string): boolean {
  if (previous === "from" || previous === "import") return true;
  return previous === "(" && /^(?:require|import|resolve)$/.test(beforePrevious);
}

function isWord(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x5f ||
    code === 0x24 ||
    code >= 0x80
  );
}

/** Where a plain literal ends: at its quote, or at the end of the line or source when it has none. */
function stringEnd(source: string, start: number, quote: number): number {
  for (let at = start; at < source.length; at++) {
    const code = source.charCodeAt(at);
    if (code === quote || code === 0x0a) return at;
    // A backslash before a line's end goes on with the next line; `\r\n` counts as one end.
    if (code === 0x5c) at += source.charCodeAt(at + 1) === 0x0d && source.charCodeAt(at + 2) === 0x0a ? 2 : 1;
  }
  return source.length;
}

function lineEnd(source: string, start: number): number {
  const end = source.indexOf("\n", start);
  return end < 0 ? source.length : end;
}

/** Behind a regular expression that starts at `start`; negative, and how far it looked, when the line ends before it does. */
function regexEnd(source: string, start: number): number {
  let isClass = false;
  let at = start;
  for (; at < source.length; at++) {
    const code = source.charCodeAt(at);
    if (code === 0x0a) break;
    if (code === 0x5c) at++;
    else if (code === 0x5b) isClass = true;
    else if (code === 0x5d) isClass = false;
    else if (code === 0x2f && !isClass) return at + 1;
  }
  return -at;
}

function unescaped(raw: string): string {
  return raw.replace(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|\r?\n|(.))/gs, (_, hex, unicode, other) => {
    const digits: string | undefined = hex ?? unicode;
    return digits === undefined ? (other ?? "") : String.fromCharCode(Number.parseInt(digits, 16));
  });
}

/** Nothing that a person wrote has a longer line, or more words in one statement. */
const maxLine = 8192;
const maxWords = 200;

/** `name = value`, `name value` or `name: value` per line, names in lower case, without comments and quotes. */
export function settings(text: string, comment: "#" | "#;" = "#;"): [string, string][] {
  const isComment = comment === "#" ? /^\s*#/ : /^\s*[#;]/;
  return text.split("\n").flatMap((line): [string, string][] => {
    if (line.length > maxLine || isComment.test(line)) return [];
    const [, name, rest] = /^\s*([$!.]?[\w.[\]-]+)\s*[=:]?(.*)$/.exec(line) ?? [];
    if (name === undefined || rest === undefined) return [];
    const value = comment === "#" ? rest.replace(/\s#.*$/, "") : rest.replace(/\s[#;].*$/, "");
    return [[name.toLowerCase(), unquoted(value.trim())]];
  });
}

export const unquoted = (value: string): string => /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;

/** The words of each line, `"quoted words"` as one; what begins with `#` ends a line, and a backslash at its end does not. */
export function lines(text: string): string[][] {
  return text
    .replace(/\\\r?\n/g, " ")
    .split("\n")
    .filter((line) => line.length <= maxLine)
    .map((line) => words(line, /(#)|"([^"]*)"|'([^']*)'|[^\s"']+/g))
    .filter((each) => each.length > 0);
}

function words(line: string, token: RegExp): string[] {
  const found: string[] = [];
  for (const [whole, isComment, double, single] of line.matchAll(token)) {
    if (isComment !== undefined || found.length === maxWords) break;
    found.push(double ?? single ?? whole);
  }
  return found;
}

/**
 * The words of each statement of a configuration with `;` and braces, as nginx, bind and Varnish have it: those before a `{` are
 * a statement too. Comments are `#`, and with `slashes` also `//` and C's. Quotes are taken off.
 */
export function statements(text: string, { slashes }: { slashes: boolean }): string[][] {
  const found: string[][] = [];
  let at: string[] = [];
  for (const [whole, comment, ends, double, single] of text.matchAll(slashes ? tokensWithSlashes : tokens)) {
    if (ends !== undefined) {
      if (at.length > 0) found.push(at);
      at = [];
    } else if (comment === undefined && at.length < maxWords) at.push(double ?? single ?? whole);
  }
  return at.length > 0 ? [...found, at] : found;
}

// Comment, end of a statement, string (an open one goes to the end), word: nothing is read twice, whatever the text is.
const tokens =
  /(#[^\n]*)|([;{}])|"([^"\\]*(?:\\.[^"\\]*)*)"?|'([^'\\]*(?:\\.[^'\\]*)*)'?|(?:[^\s;{}"'\\$]|\\.|\$\{[^}\s]{0,80}\}|\$)+/gs;
const tokensWithSlashes =
  /(#[^\n]*|\/\/[^\n]*|\/\*[^*]*(?:\*(?!\/)[^*]*)*(?:\*\/)?)|([;{}])|"([^"\\]*(?:\\.[^"\\]*)*)"?|'([^'\\]*(?:\\.[^'\\]*)*)'?|[^\s;{}"'/#]+|\//gs;

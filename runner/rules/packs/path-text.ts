/** More paths in one file are a list of something and no wishes. */
const maxPaths = 3000;
const maxLength = 1024;

// What stands before the slash tells a path from the middle of a URL, a word, a closing tag or a regular expression.
const absolute = /(?:(?<![\w.$})\]\-/<\\*~%@])|(?<=\bfile:\/\/))\/[\w.@+%-][\w.@+%/-]*/g;

/**
 * The absolute paths that stand in a text, each once. Whole lines of comment do not count, nor a first line with `#!`, which the
 * rule for interpreters reads. `isOpen`: the text goes on with a pattern or a variable (`/etc/x/*.conf`), so the path is cut
 * behind its last slash.
 */
export function pathsIn(text: string): { path: string; isOpen: boolean }[] {
  const found = new Map<string, boolean>();
  for (const line of text.split("\n")) {
    if (line.length > 100_000 || /^\s*(#|\/\/|\*|;|--|<!--|rem\s)/i.test(line) || !line.includes("/")) continue;
    for (const match of line.matchAll(absolute)) {
      const next = line[match.index + match[0].length] ?? "";
      const isOpen = /[*?{[$<]/.test(next) && next !== "";
      const spelled = isOpen ? match[0].replace(/[^/]*$/, "") : match[0];
      const path = spelled.replace(/[.,/]+$/, "");
      if (path.length < 2 || path.length > maxLength) continue;
      if (found.size >= maxPaths) return [];
      found.set(path, isOpen || (found.get(path) ?? false));
    }
  }
  return [...found].map(([path, isOpen]) => ({ path, isOpen }));
}

/** Whether bytes are text: no NUL in what a look at the head shows. */
export function isText(bytes: Buffer): boolean {
  return !bytes.subarray(0, 4096).includes(0);
}

// C0 and C1 controls, DEL, line and paragraph separators, and what turns the direction of text: all of it can move the cursor,
// recolour a terminal, or make a path read as another one.
const dangerous =
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;

/** Text from an image (path, label, log line), made safe to print on one line of a terminal: controls become `\x1b`, `\u202e`. */
export function escapeControl(text: string): string {
  return text.replace(dangerous, (found) => {
    const code = found.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** The same for text of several lines; tabs stay, a carriage return before a line's end goes. */
export function escapeLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => line.split("\t").map(escapeControl).join("\t"))
    .join("\n");
}

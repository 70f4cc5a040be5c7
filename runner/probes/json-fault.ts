/** A token of RFC 8259, or the white space between two. */
const token =
  /[ \t\n\r]+|[{}[\],:]|"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

type Want = "value" | "value-or-end" | "name" | "name-or-end" | "colon" | "comma-or-end" | "nothing";

/**
 * Where `text` stops being JSON (RFC 8259): the offset of the first token that cannot stand there, `text.length` when it
 * ends too early, undefined when it is JSON. `JSON.parse` alone does not do: its messages give a position for some faults only.
 */
export function jsonFaultOffset(text: string): number | undefined {
  const open: ("{" | "[")[] = [];
  let want: Want = "value";
  let offset = 0;
  while (offset < text.length) {
    token.lastIndex = offset;
    const found = token.exec(text)?.[0];
    if (found === undefined) return offset;
    if (!/^[ \t\n\r]/.test(found)) {
      const next = after(found, want, open);
      if (!next) return offset;
      want = next;
    }
    offset += found.length;
  }
  return want === "nothing" ? undefined : text.length;
}

/** What may follow `found`, or undefined when it may not stand where `want` is wanted. Keeps `open` up to date. */
function after(found: string, want: Want, open: ("{" | "[")[]): Want | undefined {
  const closed = () => (open.length > 0 ? "comma-or-end" : "nothing");
  const inside = open.at(-1);
  switch (found) {
    case "{":
    case "[":
      if (want !== "value" && want !== "value-or-end") return undefined;
      open.push(found);
      return found === "{" ? "name-or-end" : "value-or-end";
    case "}":
      if (inside !== "{" || (want !== "name-or-end" && want !== "comma-or-end")) return undefined;
      open.pop();
      return closed();
    case "]":
      if (inside !== "[" || (want !== "value-or-end" && want !== "comma-or-end")) return undefined;
      open.pop();
      return closed();
    case ",":
      if (want !== "comma-or-end") return undefined;
      return inside === "{" ? "name" : "value";
    case ":":
      return want === "colon" ? "value" : undefined;
    default:
      if (want === "value" || want === "value-or-end") return closed();
      return found.startsWith('"') && (want === "name" || want === "name-or-end") ? "colon" : undefined;
  }
}

/** Line and column of an offset, both counted from 1, as editors do. */
export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

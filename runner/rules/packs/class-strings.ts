const magic = 0xcafebabe;
const maxStrings = 20_000;

/** Bytes behind the tag of a constant (Java Virtual Machine Specification, table 4.4-A); those of a text depend on its length. */
const sizes: Readonly<Record<number, number>> = {
  3: 4,
  4: 4,
  5: 8,
  6: 8,
  7: 2,
  8: 2,
  9: 4,
  10: 4,
  11: 4,
  12: 4,
  15: 3,
  16: 2,
  17: 4,
  18: 4,
  19: 2,
  20: 2,
};

/** The string literals of a compiled Java class, and the names of the classes that it uses. Empty for what is none; never fails. */
export function classStrings(bytes: Buffer): { literals: string[]; classes: ReadonlySet<string> } {
  const nothing = { literals: [], classes: new Set<string>() };
  if (bytes.length < 10 || bytes.readUInt32BE(0) !== magic) return nothing;
  const count = bytes.readUInt16BE(8);
  const texts = new Map<number, string>();
  const strings: number[] = [];
  const classes: number[] = [];
  for (let index = 1, at = 10; index < count && at + 3 <= bytes.length; index++) {
    const tag = bytes[at] ?? 0;
    const value = bytes.readUInt16BE(at + 1);
    if (tag === 1) texts.set(index, bytes.toString("utf8", at + 3, at + 3 + value));
    if (tag === 8) strings.push(value);
    if (tag === 7) classes.push(value);
    const size = tag === 1 ? 2 + value : sizes[tag];
    if (size === undefined) return nothing;
    // Numbers of 64 bits take two places.
    if (tag === 5 || tag === 6) index++;
    at += 1 + size;
  }
  const textsOf = (indices: number[]) => indices.slice(0, maxStrings).flatMap((index) => texts.get(index) ?? []);
  return { literals: textsOf(strings), classes: new Set(textsOf(classes)) };
}

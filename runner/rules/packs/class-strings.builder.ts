/** For tests: the constants of a compiled class with these string literals that uses these classes. */
export function aClass(literals: string[], classes: string[]): Buffer {
  const texts = [...literals, ...classes].map((text) => {
    const bytes = Buffer.from(text);
    return Buffer.concat([Buffer.from([1, bytes.length >> 8, bytes.length & 255]), bytes]);
  });
  // A number of 64 bits comes first: it takes the places 1 and 2.
  const number = Buffer.from([5, 0, 0, 0, 0, 0, 0, 0, 7]);
  const references = [...literals, ...classes].map((_, at) => Buffer.from([at < literals.length ? 8 : 7, 0, at + 3]));
  const head = Buffer.from([0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 61, 0, 3 + texts.length + references.length]);
  return Buffer.concat([head, number, ...texts, ...references, Buffer.alloc(8)]);
}

import { posix } from "node:path";

type Parts = {
  name: string;
  files?: readonly string[];
  sourceRpm?: string;
  requires?: readonly string[];
  provides?: readonly string[];
};

/** For tests: the header of a package as rpm's database stores it. */
export function aRpmHeader({ name, files = [], sourceRpm, requires = [], provides = [] }: Parts): Buffer {
  const directories = [...new Set(files.map((path) => `${posix.dirname(path)}/`))];
  const strings = (values: readonly string[]) => Buffer.from(values.map((value) => `${value}\0`).join(""));
  const indexes = Buffer.alloc(files.length * 4);
  for (const [at, path] of files.entries())
    indexes.writeUInt32BE(directories.indexOf(`${posix.dirname(path)}/`), at * 4);
  // tag, type, count, data
  const items: (readonly [number, number, number, Buffer])[] = [
    [1000, 6, 1, strings([name])],
    [1047, 8, provides.length, strings(provides)],
    [1049, 8, requires.length, strings(requires)],
    [1116, 4, files.length, indexes],
    [1117, 8, files.length, strings(files.map((path) => posix.basename(path)))],
    [1118, 8, directories.length, strings(directories)],
  ];
  if (sourceRpm !== undefined) items.push([1044, 6, 1, strings([sourceRpm])]);
  const index = Buffer.alloc(8 + items.length * 16);
  index.writeUInt32BE(items.length, 0);
  let offset = 0;
  for (const [at, [tag, type, count, data]] of items.entries()) {
    for (const [word, value] of [tag, type, offset, count].entries())
      index.writeUInt32BE(value, 8 + at * 16 + word * 4);
    offset += data.length;
  }
  index.writeUInt32BE(offset, 4);
  return Buffer.concat([index, ...items.map(([, , , data]) => data)]);
}

/** For tests: `Packages.db` with a page of slots, the first of them free, and these headers in it. */
export function aNdb(headers: readonly Buffer[]): Buffer {
  const slots = Buffer.alloc(4096);
  slots.write("RpmP", 0, "latin1");
  slots.writeUInt32LE(1, 12);
  for (let at = 32; at < slots.length; at += 16) slots.write("Slot", at, "latin1");
  const blobs: Buffer[] = [];
  let block = slots.length / 16;
  for (const [index, header] of headers.entries()) {
    // head, header, checksum and length, a mark at the end of the last block
    const blob = Buffer.alloc(Math.ceil((16 + header.length + 12) / 16) * 16);
    blob.write("BlbS", 0, "latin1");
    blob.writeUInt32LE(index + 1, 4);
    blob.writeUInt32LE(header.length, 12);
    header.copy(blob, 16);
    blob.writeUInt32LE(header.length, blob.length - 8);
    blob.write("BlbE", blob.length - 4, "latin1");
    const slot = 48 + index * 16;
    for (const [at, word] of [index + 1, block, blob.length / 16].entries())
      slots.writeUInt32LE(word, slot + 4 + at * 4);
    block += blob.length / 16;
    blobs.push(blob);
  }
  return Buffer.concat([slots, ...blobs]);
}

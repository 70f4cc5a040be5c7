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

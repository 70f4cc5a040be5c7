type Parts = {
  bits?: 32 | 64;
  endian?: "little" | "big";
  machine?: number;
  type?: number;
  interp?: string;
  needed?: string[];
  soname?: string;
  rpath?: string;
  runpath?: string;
  flags1?: number;
  /** JSON texts of `.note.dlopen`. */
  dlopen?: string[];
};

/** For tests: the bytes of an ELF file with these facts and no sections; its addresses differ from its file offsets. */
export function anElf(parts: Parts = {}): Buffer {
  const { bits = 64, endian = "little", machine = 62, type = 3 } = parts;
  const wide = bits === 64;
  const number = (bytes: number, value: number) => {
    const out = Buffer.alloc(bytes);
    if (endian === "little") out.writeUIntLE(value, 0, Math.min(bytes, 6));
    else out.writeUIntBE(value, Math.max(bytes - 6, 0), Math.min(bytes, 6));
    return out;
  };
  const word = (value: number) => number(wide ? 8 : 4, value);
  const padded = (text: Buffer) => Buffer.concat([text, Buffer.alloc((4 - (text.length % 4)) % 4)]);

  const names = [...(parts.needed ?? []), parts.soname, parts.rpath, parts.runpath].filter(
    (each) => each !== undefined,
  );
  const strings = Buffer.from(`\0${names.map((name) => `${name}\0`).join("")}`);
  const at = (name: string) => strings.indexOf(`\0${name}\0`) + 1;
  const notes = (parts.dlopen ?? []).map((json) => {
    const text = Buffer.from(`${json}\0`);
    return Buffer.concat([
      number(4, 4),
      number(4, text.length),
      number(4, 0x407c0c0a),
      Buffer.from("FDO\0"),
      padded(text),
    ]);
  });

  const base = 0x10000;
  const [headerBytes, entryBytes] = wide ? [64, 56] : [52, 32];
  const hasDynamic = names.length > 0 || parts.flags1 !== undefined;
  const count = 1 + (parts.interp ? 1 : 0) + (hasDynamic ? 1 : 0) + (notes.length > 0 ? 1 : 0);
  const body: { type: number; data: Buffer; offset: number }[] = [];
  let end = headerBytes + entryBytes * count;
  const place = (kind: number, data: Buffer) => {
    const offset = Math.ceil(end / 8) * 8;
    body.push({ type: kind, data, offset });
    end = offset + data.length;
    return offset;
  };
  if (parts.interp) place(3, Buffer.from(`${parts.interp}\0`));
  if (notes.length > 0) place(4, Buffer.concat(notes));
  if (hasDynamic) {
    const stringsAt = place(0, strings);
    const tags: [number, number][] = (parts.needed ?? []).map((name) => [1, at(name)]);
    tags.push([5, base + stringsAt], [10, strings.length]);
    if (parts.soname !== undefined) tags.push([14, at(parts.soname)]);
    if (parts.rpath !== undefined) tags.push([15, at(parts.rpath)]);
    if (parts.runpath !== undefined) tags.push([29, at(parts.runpath)]);
    if (parts.flags1 !== undefined) tags.push([0x6ffffffb, parts.flags1]);
    tags.push([0, 0]);
    place(2, Buffer.concat(tags.flatMap(([tag, value]) => [word(tag), word(value)])));
  }

  const header = (kind: number, offset: number, bytes: number) =>
    Buffer.concat(
      wide
        ? [number(4, kind), number(4, 4), word(offset), word(base + offset), word(0), word(bytes), word(bytes), word(4)]
        : [
            number(4, kind),
            word(offset),
            word(base + offset),
            word(0),
            word(bytes),
            word(bytes),
            number(4, 4),
            word(4),
          ],
    );
  const file = Buffer.alloc(end);
  Buffer.concat([
    Buffer.from([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, endian === "little" ? 1 : 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ...[number(2, type), number(2, machine), number(4, 1), word(0), word(headerBytes), word(0), number(4, 0)],
    ...[headerBytes, entryBytes, count, 0, 0, 0].map((value) => number(2, value)),
    header(1, 0, end),
    ...body.filter((part) => part.type !== 0).map((part) => header(part.type, part.offset, part.data.length)),
  ]).copy(file);
  for (const part of body) part.data.copy(file, part.offset);
  return file;
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_STRTAB = 5;
const DT_STRSZ = 10;

type Segment = { type: number; isCode: boolean; offset: number; address: number; bytes: number };

/** A 64-bit little-endian ELF file by its program headers, whose sections may be stripped. Addresses are those of the file. */
export type ElfImage = {
  bytes: Buffer;
  /** e_machine: 62 is x86-64, 183 is AArch64. */
  machine: number;
  segments: readonly Segment[];
};

/** Undefined for all other files, and for one whose headers lie beyond its end. */
export function elfImage(bytes: Buffer): ElfImage | undefined {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) return undefined;
  const [table, size, count] = [word(bytes, 32), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
  if (size !== 56 || table + size * count > bytes.length) return undefined;
  const segments = Array.from({ length: count }, (_, index): Segment => {
    const at = table + index * size;
    return {
      type: bytes.readUInt32LE(at),
      isCode: (bytes.readUInt32LE(at + 4) & 1) !== 0,
      offset: word(bytes, at + 8),
      address: word(bytes, at + 16),
      bytes: word(bytes, at + 32),
    };
  });
  const fits = ({ offset, address, bytes: length }: Segment) =>
    offset + length <= bytes.length && Number.isSafeInteger(address + length);
  return { bytes, machine: bytes.readUInt16LE(18), segments: segments.filter(fits) };
}

/** What the loaded file has at an address; undefined where that is not in the file as a whole. */
export function bytesAt({ bytes, segments }: ElfImage, address: number, length: number): Buffer | undefined {
  const segment = segments.find(
    (each) => each.type === PT_LOAD && each.address <= address && address + length <= each.address + each.bytes,
  );
  if (segment === undefined) return undefined;
  const at = segment.offset + address - segment.address;
  return bytes.subarray(at, at + length);
}

/** The parts of the program that hold instructions, with their addresses. */
export function codeOf({ bytes, segments }: ElfImage): { code: Buffer; address: number }[] {
  return segments
    .filter(({ type, isCode }) => type === PT_LOAD && isCode)
    .map(({ offset, address, bytes: length }) => ({ code: bytes.subarray(offset, offset + length), address }));
}

/** The names that a dynamically linked program exchanges with its libraries; empty for a static one. */
export function dynamicNames(image: ElfImage): ReadonlySet<string> {
  const dynamic = image.segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return new Set();
  const tags = new Map<number, number>();
  for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.bytes; at += 16) {
    const tag = word(image.bytes, at);
    if (tag === 0) break;
    tags.set(tag, word(image.bytes, at + 8));
  }
  const strings = bytesAt(image, tags.get(DT_STRTAB) ?? 0, tags.get(DT_STRSZ) ?? 0);
  return new Set(strings?.toString("latin1").split("\0"));
}

/** An unsigned number of 64 bits; inexact beyond 2^53, where no address of a file is. */
export function word(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 0x1_0000_0000;
}

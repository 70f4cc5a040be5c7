import { decodeBytes } from "../sensor/byte-text.ts";

/** Reads `length` bytes at `offset` of a file; fewer at its end, none behind it. */
export type ReadAt = (offset: number, length: number) => Promise<Buffer>;

/** One feature that an ELF file may load with dlopen(), as systemd's `.note.dlopen` tells it. */
export type DlopenNote = { sonames: string[]; priority: "required" | "recommended" };

/** What decides which loader an ELF file gets and which libraries it loads. Strings are as stored: `$ORIGIN` is not expanded. */
export type ElfFacts = {
  bits: 32 | 64;
  endian: "little" | "big";
  /** e_machine: 62 is x86-64, 183 is AArch64. */
  machine: number;
  /** e_type: 2 is an executable at a fixed address, 3 a shared object or a position-independent executable. */
  type: number;
  interp: string | undefined;
  needed: string[];
  soname: string | undefined;
  rpath: string | undefined;
  runpath: string | undefined;
  /** DF_1_NODEFLIB: the loader leaves its default directories out. */
  noDefaultLibraries: boolean;
  dlopen: DlopenNote[];
};

/** Bytes worth reading at once: they hold the program headers and the interpreter of nearly every file. */
export const elfHeadBytes = 1024;

// The kernel loads no file whose program headers are larger; the other limits are far above what linkers write.
const maxHeadersBytes = 65_536;
const maxDynamicBytes = 1 << 20;
const maxStringBytes = 4096;
const maxNoteBytes = 1 << 20;
const maxNotes = 4096;
const maxNeeded = 4096;
const maxStringsAtOnce = 65_536;

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const PT_NOTE = 4;

const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_STRSZ = 10;
const DT_SONAME = 14;
const DT_RPATH = 15;
const DT_RUNPATH = 29;
const DT_FLAGS_1 = 0x6ffffffb;

const DF_1_NODEFLIB = 0x800;

// https://systemd.io/ELF_DLOPEN_METADATA/
const dlopenOwner = "FDO\0";
const dlopenType = 0x407c0c0a;

type Header = { type: number; offset: number; vaddr: number; fileBytes: number; align: number };

/** Number fields of one class and byte order. A 64-bit number beyond 2^53 comes out as Infinity, which no range check lets pass. */
type Fields = { u16(at: number): number; u32(at: number): number; word(at: number): number; wordBytes: 4 | 8 };

function fieldsOf(data: Buffer, bits: 32 | 64, endian: "little" | "big"): Fields {
  const little = endian === "little";
  const u32 = (at: number) => (little ? data.readUInt32LE(at) : data.readUInt32BE(at));
  const u64 = (at: number) => {
    const [low, high] = little ? [u32(at), u32(at + 4)] : [u32(at + 4), u32(at)];
    return high < 0x200000 ? high * 0x1_0000_0000 + low : Number.POSITIVE_INFINITY;
  };
  return {
    u16: (at) => (little ? data.readUInt16LE(at) : data.readUInt16BE(at)),
    u32,
    word: bits === 64 ? u64 : u32,
    wordBytes: bits === 64 ? 8 : 4,
  };
}

/**
 * Reads the dynamic linking facts of an ELF file (gABI, 32 and 64 bits, both byte orders) from its program headers, as kernel
 * and loader do: sections may be stripped. Gives undefined for anything else, and for files too damaged to be loaded. What
 * is read is bounded whatever the file says. Throws only what `read` throws.
 */
export async function readElf(read: ReadAt): Promise<ElfFacts | undefined> {
  const head = await read(0, elfHeadBytes);
  if (head.length < 52 || head.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const bits = head[4] === 2 ? 64 : head[4] === 1 ? 32 : undefined;
  const endian = head[5] === 1 ? "little" : head[5] === 2 ? "big" : undefined;
  if (!bits || !endian || (bits === 64 && head.length < 64)) return undefined;

  // Small files and small parts come out of the head; all else is one more read.
  const readAt: ReadAt = (offset, length) =>
    offset + length <= head.length || head.length < elfHeadBytes
      ? Promise.resolve(head.subarray(offset, offset + length))
      : read(offset, length);
  const fields = (data: Buffer) => fieldsOf(data, bits, endian);

  const file = fields(head);
  const [headersAt, headerBytes, headerCount] =
    bits === 64 ? [file.word(32), file.u16(54), file.u16(56)] : [file.word(28), file.u16(42), file.u16(44)];
  const facts: ElfFacts = {
    bits,
    endian,
    machine: file.u16(18),
    type: file.u16(16),
    interp: undefined,
    needed: [],
    soname: undefined,
    rpath: undefined,
    runpath: undefined,
    noDefaultLibraries: false,
    dlopen: [],
  };
  if (headerCount === 0) return facts;
  if (headerBytes !== (bits === 64 ? 56 : 32) || headerBytes * headerCount > maxHeadersBytes) return undefined;
  if (!Number.isFinite(headersAt)) return undefined;
  const table = await readAt(headersAt, headerBytes * headerCount);
  if (table.length < headerBytes * headerCount) return undefined;
  const headers = Array.from({ length: headerCount }, (_, index) =>
    readHeader(fields(table), index * headerBytes, bits),
  );

  const interp = headers.find((each) => each.type === PT_INTERP);
  if (interp && Number.isFinite(interp.offset))
    facts.interp = cString(await readAt(interp.offset, Math.min(interp.fileBytes, maxStringBytes)), 0);
  await readDynamic(facts, headers, readAt, fields);
  facts.dlopen = await readDlopenNotes(headers, readAt, fields);
  return facts.needed.length > maxNeeded ? undefined : facts;
}

function readHeader(fields: Fields, at: number, bits: 32 | 64): Header {
  return bits === 64
    ? {
        type: fields.u32(at),
        offset: fields.word(at + 8),
        vaddr: fields.word(at + 16),
        fileBytes: fields.word(at + 32),
        align: fields.word(at + 48),
      }
    : {
        type: fields.u32(at),
        offset: fields.word(at + 4),
        vaddr: fields.word(at + 8),
        fileBytes: fields.word(at + 16),
        align: fields.word(at + 28),
      };
}

async function readDynamic(facts: ElfFacts, headers: Header[], readAt: ReadAt, fields: (data: Buffer) => Fields) {
  const dynamic = headers.find((each) => each.type === PT_DYNAMIC);
  if (!dynamic || !Number.isFinite(dynamic.offset)) return;
  const data = await readAt(dynamic.offset, Math.min(dynamic.fileBytes, maxDynamicBytes));
  const entry = fields(data);
  const needed: number[] = [];
  const single = new Map<number, number>();
  for (let at = 0; at + 2 * entry.wordBytes <= data.length; at += 2 * entry.wordBytes) {
    const tag = entry.word(at);
    const value = entry.word(at + entry.wordBytes);
    if (tag === DT_NULL) break;
    if (tag === DT_NEEDED) needed.push(value);
    else single.set(tag, value);
  }
  facts.noDefaultLibraries = ((single.get(DT_FLAGS_1) ?? 0) & DF_1_NODEFLIB) !== 0;

  // DT_STRTAB is an address; the loaded segments tell where in the file it is.
  const address = single.get(DT_STRTAB) ?? Number.POSITIVE_INFINITY;
  const segment = headers.find(
    (each) => each.type === PT_LOAD && each.vaddr <= address && address < each.vaddr + each.fileBytes,
  );
  const strings = segment ? segment.offset + address - segment.vaddr : Number.POSITIVE_INFINITY;
  if (!Number.isSafeInteger(strings)) return;
  const size = single.get(DT_STRSZ) ?? 0;
  const wanted = [...needed, single.get(DT_SONAME), single.get(DT_RPATH), single.get(DT_RUNPATH)].filter(
    (each) => each !== undefined && each < size,
  ) as number[]; // filter() does not narrow away undefined
  const text = await readStrings(wanted, strings, size, readAt);
  const one = (tag: number) => text.get(single.get(tag) ?? -1);
  facts.needed = [
    ...new Set(needed.map((each) => text.get(each)).filter((each) => each !== undefined && each !== "")),
  ] as string[]; // as above
  facts.soname = one(DT_SONAME);
  facts.rpath = one(DT_RPATH);
  facts.runpath = one(DT_RUNPATH);
}

/** The strings at these offsets of a string table; string tables of megabytes are not read whole. */
async function readStrings(offsets: number[], tableAt: number, tableBytes: number, readAt: ReadAt) {
  const found = new Map<number, string>();
  const sorted = [...new Set(offsets)].sort((a, b) => a - b);
  for (let first = 0; first < sorted.length; ) {
    const start = sorted[first] ?? 0;
    let last = first;
    while ((sorted[last + 1] ?? Number.POSITIVE_INFINITY) - start < maxStringsAtOnce) last++;
    const end = Math.min((sorted[last] ?? start) + maxStringBytes, tableBytes);
    const data = await readAt(tableAt + start, end - start);
    for (const offset of sorted.slice(first, last + 1)) {
      const text = cString(data, offset - start);
      if (text !== undefined) found.set(offset, text);
    }
    first = last + 1;
  }
  return found;
}

async function readDlopenNotes(headers: Header[], readAt: ReadAt, fields: (data: Buffer) => Fields) {
  const found: DlopenNote[] = [];
  let left = maxNotes;
  let leftBytes = maxNoteBytes;
  for (const header of headers) {
    if (header.type !== PT_NOTE || !Number.isFinite(header.offset) || leftBytes === 0) continue;
    const data = await readAt(header.offset, Math.min(header.fileBytes, leftBytes));
    leftBytes -= data.length;
    const note = fields(data);
    const align = header.align === 8 ? 8 : 4;
    const padded = (length: number) => Math.ceil(length / align) * align;
    for (let at = 0; at + 12 <= data.length && left > 0; left--) {
      const [nameBytes, descriptionBytes, type] = [note.u32(at), note.u32(at + 4), note.u32(at + 8)];
      // Name and description are each padded to the alignment, counted from the start of the note.
      const description = at + padded(12 + nameBytes);
      const end = description + descriptionBytes;
      if (end > data.length) break;
      if (type === dlopenType && data.toString("latin1", at + 12, at + 12 + nameBytes) === dlopenOwner)
        found.push(...parseDlopen(data.toString("utf8", description, end).replace(/\0+$/, "")));
      at += padded(description - at + descriptionBytes);
    }
  }
  return found;
}

/** `[{"soname": ["libx.so.1", "libx.so.0"], "feature": ..., "priority": "required"}]`; without a priority it is `recommended`. */
function parseDlopen(json: string): DlopenNote[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return []; // a note that cannot be read says nothing; the libraries that were used were seen anyway
  }
  if (!Array.isArray(parsed)) return [];
  return parsed.flatMap((each: unknown) => {
    if (typeof each !== "object" || each === null) return [];
    const { soname, priority = "recommended" } = each as { soname?: unknown; priority?: unknown }; // any JSON object has this shape
    if (priority !== "required" && priority !== "recommended") return [];
    const sonames = Array.isArray(soname) ? soname.filter((name): name is string => typeof name === "string") : [];
    return sonames.length > 0 ? [{ sonames, priority }] : [];
  });
}

/** The text up to the NUL byte, as the runner writes paths: bytes that are not UTF-8 as U+DC80..U+DCFF. Undefined without a NUL. */
function cString(data: Buffer, from: number): string | undefined {
  const end = data.indexOf(0, from);
  return from < 0 || end < 0 ? undefined : decodeBytes(data.subarray(from, end));
}

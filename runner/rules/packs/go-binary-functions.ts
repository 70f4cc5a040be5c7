import { type ElfImage, word } from "./static-binary-elf.ts";

/** The table of functions that each Go program has, stripped or not. */
export type GoFunctions = {
  /** Addresses of functions, rising; relative to the start of the text where `isRelative`. */
  entries: Float64Array;
  isRelative: boolean;
  /** Places in `entries` of the functions of that name: `os/exec.Command`. */
  named(name: string): number[];
  /** Name of the function at a place in `entries`. */
  nameAt(index: number): string;
};

/** First bytes of the table: magic of a version, two zeros, the smallest instruction (1 on amd64, 4 on arm64), 8 for a pointer. */
const magics = [
  { magic: 0xfffffff1, isOffset: true }, // Go 1.20
  { magic: 0xfffffff0, isOffset: true }, // Go 1.18
  { magic: 0xfffffffa, isOffset: false }, // Go 1.16
];
const maxFunctions = 1 << 20;
const maxNameBytes = 1024;
/** Programs that read such tables have these bytes in their code too. */
const maxTries = 32;

/**
 * Finds the table by its first bytes, since stripped programs and those of other linkers have no section of its name
 * (src/debug/gosym/pclntab.go tells its layout). Undefined for programs of other languages and of Go before 1.16.
 */
export function goFunctions({ bytes, machine }: ElfImage): GoFunctions | undefined {
  const quantum = machine === 183 ? 4 : 1;
  for (const { magic, isOffset } of magics) {
    const mark = Buffer.from([0, 0, 0, 0, 0, 0, quantum, 8]);
    mark.writeUInt32LE(magic);
    for (let at = bytes.indexOf(mark), tries = 0; at >= 0 && tries < maxTries; tries++) {
      const table = readTable(bytes.subarray(at), isOffset);
      if (table !== undefined) return table;
      at = bytes.indexOf(mark, at + 1);
    }
  }
  return undefined;
}

/** `isOffset`: addresses are 32-bit offsets from the start of the text, which newer linkers leave to the run-time (0 here). */
function readTable(table: Buffer, isOffset: boolean): GoFunctions | undefined {
  if (table.length < 80) return undefined;
  const count = word(table, 8);
  const start = isOffset ? word(table, 24) : 0;
  const [names, functions] = isOffset ? [word(table, 32), word(table, 64)] : [word(table, 24), word(table, 56)];
  const field = isOffset ? 4 : 8;
  if (count < 1 || count > maxFunctions || functions + count * 2 * field > table.length || names > functions)
    return undefined;
  const number = (at: number) => (isOffset ? table.readUInt32LE(at) : word(table, at));
  const entries = new Float64Array(count);
  const nameOffsets = new Int32Array(count);
  for (let index = 0; index < count; index++) {
    const at = functions + index * 2 * field;
    const record = functions + number(at + field) + field;
    if (record + 4 > table.length) return undefined;
    entries[index] = start + number(at);
    nameOffsets[index] = table.readInt32LE(record);
    if (index > 0 && (entries[index] ?? 0) < (entries[index - 1] ?? 0)) return undefined;
  }
  const texts = table.subarray(names, functions);
  return {
    entries,
    isRelative: isOffset && start === 0,
    named(name) {
      const offset = texts.indexOf(Buffer.from(`\0${name}\0`)) + 1;
      return offset === 0 ? [] : [...nameOffsets.keys()].filter((index) => nameOffsets[index] === offset);
    },
    nameAt(index) {
      const from = nameOffsets[index] ?? 0;
      const end = texts.indexOf(0, from);
      return end < 0 || end - from > maxNameBytes ? "" : texts.toString("utf8", from, end);
    },
  };
}

/** The place of the last entry at or before an address; -1 when it lies before the first. */
export function functionAt(entries: Float64Array, address: number): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle] ?? 0) <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

type Part =
  | { raw: readonly number[] }
  | { call: string }
  | { address: string; to: number }
  | { lengthOf: string; to: number };
type Version = 16 | 20 | 26;

const base = 0x400000;
const magics: Readonly<Record<Version, number>> = { 16: 0xfffffffa, 20: 0xfffffff1, 26: 0xfffffff1 };

/** `CALL` of a function of the program. */
export const call = (name: string): Part => ({ call: name });
/** Loads a string of the program into two registers, by the processor's numbers: `LEA` and `MOV`. */
export const load = (text: string, [pointer, length]: readonly [number, number]): Part[] => [
  { address: text, to: pointer },
  { lengthOf: text, to: length },
];

/**
 * For tests: an amd64 program without sections, as the Go linker of that version writes it, with functions in this order
 * (`runtime.morestack_noctxt` first) and all strings one behind the other. In each function stand two calls of it.
 */
export function aGoProgram(functions: Readonly<Record<string, readonly Part[]>>, version: Version = 20): Buffer {
  const grow = "runtime.morestack_noctxt";
  const all: [string, readonly Part[]][] = [
    [grow, []],
    ...Object.entries(functions).map(([name, parts]): [string, Part[]] => [name, [call(grow), ...parts, call(grow)]]),
  ];
  const texts = [...new Set(all.flatMap(([, parts]) => parts.flatMap((part) => textOf(part) ?? [])))].sort();
  const strings = Buffer.from(`prefix${texts.join("")}suffix`);
  const stringAt = (text: string) => base + 120 + strings.indexOf(text);
  const codeAt = base + 120 + strings.length + (16 - (strings.length % 16));
  const starts = new Map<string, number>();
  let end = codeAt;
  for (const [name, parts] of all) {
    starts.set(name, end);
    end += parts.reduce((bytes, part) => bytes + bytesOf(part), 1); // and RET
  }
  const code = Buffer.alloc(end - base - 120 - strings.length, 0xcc);
  for (const [name, parts] of all) {
    let at = starts.get(name) ?? 0;
    for (const part of parts) {
      machineCode(part, at, stringAt, (other) => starts.get(other) ?? 0).copy(code, at - base - 120 - strings.length);
      at += bytesOf(part);
    }
    code[at - base - 120 - strings.length] = 0xc3;
  }
  return asElf(Buffer.concat([strings, code, functionTable([...starts], codeAt, version)]));
}

const textOf = (part: Part): string | undefined =>
  "address" in part ? part.address : "lengthOf" in part ? part.lengthOf : undefined;

const bytesOf = (part: Part): number => ("address" in part ? 7 : "raw" in part ? part.raw.length : 5);

function machineCode(
  part: Part,
  at: number,
  stringAt: (text: string) => number,
  start: (name: string) => number,
): Buffer {
  if ("raw" in part) return Buffer.from(part.raw);
  const number = Buffer.alloc(4);
  if ("call" in part) {
    number.writeInt32LE(start(part.call) - at - 5);
    return Buffer.concat([Buffer.from([0xe8]), number]);
  }
  if ("address" in part) {
    number.writeInt32LE(stringAt(part.address) - at - 7);
    return Buffer.concat([Buffer.from([0x48, 0x8d, 0x05 | (part.to << 3)]), number]);
  }
  number.writeInt32LE(part.lengthOf.length);
  return Buffer.concat([Buffer.from([0xb8 | part.to]), number]);
}

/** The table of functions (pclntab): header, names, and for each function its place and a record with its name. */
function functionTable(starts: readonly [string, number][], textAt: number, version: Version): Buffer {
  const isOffset = version !== 16;
  const field = isOffset ? 4 : 8;
  const names = Buffer.from(`\0${starts.map(([name]) => `${name}\0`).join("")}`);
  const namesAt = 80;
  const functionsAt = namesAt + names.length;
  const recordsAt = (starts.length * 2 + 1) * field;
  const table = Buffer.alloc(functionsAt + recordsAt + starts.length * (field + 4));
  table.writeUInt32LE(magics[version]);
  table.set([0, 0, 1, 8], 4);
  const header = (index: number, value: number) => table.writeUInt32LE(value, 8 + index * 8);
  header(0, starts.length);
  if (version === 20) header(2, textAt);
  header(isOffset ? 3 : 2, namesAt);
  header(isOffset ? 7 : 6, functionsAt);
  names.copy(table, namesAt);
  for (const [index, [name, start]] of starts.entries()) {
    const record = recordsAt + index * (field + 4);
    table.writeUInt32LE(isOffset ? start - textAt : start, functionsAt + index * 2 * field);
    table.writeUInt32LE(record, functionsAt + (index * 2 + 1) * field);
    table.writeUInt32LE(names.indexOf(`\0${name}\0`) + 1, functionsAt + record + field);
  }
  return table;
}

/** One segment that is loaded as a whole: headers, and what follows them. */
function asElf(body: Buffer): Buffer {
  const head = Buffer.alloc(120);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  for (const [at, value] of [
    [16, 2],
    [18, 62],
    [52, 64],
    [54, 56],
    [56, 1],
  ] as const)
    head.writeUInt16LE(value, at);
  head.writeUInt32LE(64, 32);
  head.writeUInt32LE(1, 64);
  head.writeUInt32LE(5, 68);
  const bytes = head.length + body.length;
  for (const [at, value] of [
    [80, base],
    [88, base],
    [96, bytes],
    [104, bytes],
  ] as const)
    head.writeUInt32LE(value, at);
  return Buffer.concat([head, body]);
}

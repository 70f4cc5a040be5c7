import type { Instruction, Processor } from "./go-binary-instruction.ts";

/**
 * Instructions of varying length cannot be read from the middle of a function, so each place is tried: these are told by their
 * first bytes. What a wrong place shows is no string, or no program's name.
 */
export const amd64: Processor = {
  argumentRegisters: [0, 3, 1, 7, 6, 8, 9, 10, 11], // AX, BX, CX, DI, SI, R8 to R11
  stackPointer: 4,
  stackArguments: 0,
  step: 1,
  decode(code, at, address) {
    const target = amd64.callTarget(code, at, address);
    if (target !== undefined) return { kind: "call", bytes: 5, target };
    const rex = code[at] ?? 0;
    const isWide = (rex & 0xf8) === 0x48;
    return isWide ? wide(code, at, address) : number(code, at);
  },
  callTarget: (code, at, address) =>
    code[at] === 0xe8 && at + 5 <= code.length ? address + at + 5 + code.readInt32LE(at + 1) : undefined,
};

/** `MOV r32, imm32`; the prefix before it makes r8 to r15 of the register. */
function number(code: Buffer, at: number): Instruction | undefined {
  const first = code[at] ?? 0;
  if (first < 0xb8 || first > 0xbf || at + 5 > code.length) return undefined;
  const to = (first & 7) | (code[at - 1] === 0x41 ? 8 : 0);
  return { kind: "load", bytes: 5, to, value: { kind: "number", value: code.readInt32LE(at + 1) } };
}

/** What has the prefix of 64-bit operands: `LEA` and `MOV` from a place of the file, moves between registers, stores. */
function wide(code: Buffer, at: number, address: number): Instruction | undefined {
  const [rex = 0, opcode = 0, modes = 0] = code.subarray(at, at + 3);
  const register = ((modes >> 3) & 7) | ((rex & 4) << 1);
  if ((opcode === 0x8d || opcode === 0x8b) && (modes & 0xc7) === 5 && at + 7 <= code.length) {
    const value = address + at + 7 + code.readInt32LE(at + 3);
    return { kind: "load", bytes: 7, to: register, value: { kind: opcode === 0x8d ? "address" : "variable", value } };
  }
  if (opcode === 0x89 && modes >= 0xc0 && at + 3 <= code.length)
    return { kind: "copy", bytes: 3, to: (modes & 7) | ((rex & 1) << 3), from: register, isChoice: false };
  if (opcode === 0x0f && (modes & 0xf0) === 0x40) {
    const both = code[at + 3] ?? 0; // CMOVcc
    const [to, from] = [((both >> 3) & 7) | ((rex & 4) << 1), (both & 7) | ((rex & 1) << 3)];
    return both >= 0xc0 ? { kind: "copy", bytes: 4, to, from, isChoice: true } : undefined;
  }
  if (opcode !== 0x89 && opcode !== 0xc7) return undefined;
  const slot = slotAt(code, at + 2, rex);
  if (slot === undefined) return undefined;
  const { base, offset, end } = slot;
  if (opcode === 0x89) return { kind: "store", bytes: end - at, slots: [{ base, offset, from: register }] };
  if (end + 4 > code.length) return undefined;
  return { kind: "store", bytes: end + 4 - at, slots: [{ base, offset, from: { number: code.readInt32LE(end) } }] };
}

/** The memory operand `[base+offset]` whose ModRM byte is at `at`; undefined for other operands. */
function slotAt(code: Buffer, at: number, rex: number): { base: number; offset: number; end: number } | undefined {
  const modes = code[at] ?? 0;
  const mode = modes >> 6;
  const scaled = (modes & 7) === 4 ? (code[at + 1] ?? 0) : undefined;
  if (mode === 3 || (mode === 0 && (modes & 7) === 5)) return undefined;
  if (scaled !== undefined && (scaled & 0x38) !== 0x20) return undefined; // with an index
  const start = at + (scaled === undefined ? 1 : 2);
  const width = mode === 1 ? 1 : mode === 2 ? 4 : 0;
  if (start + width > code.length) return undefined;
  const offset = width === 0 ? 0 : code.readIntLE(start, width);
  return { base: ((scaled ?? modes) & 7) | ((rex & 1) << 3), offset, end: start + width };
}

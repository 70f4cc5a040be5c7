import type { Instruction, Processor } from "./go-binary-instruction.ts";

export const arm64: Processor = {
  argumentRegisters: Array.from({ length: 16 }, (_, index) => index),
  stackPointer: 31,
  stackArguments: 8,
  step: 4,
  decode(code, at, address) {
    if (at + 4 > code.length) return undefined;
    const target = arm64.callTarget(code, at, address);
    if (target !== undefined) return { kind: "call", bytes: 4, target };
    const word = code.readUInt32LE(at);
    return addressing(word, address + at) ?? constant(word) ?? stored(word);
  },
  callTarget(code, at, address) {
    const word = at + 4 <= code.length ? code.readUInt32LE(at) : 0;
    return word >>> 26 === 0x25 ? address + at + ((word << 6) >> 4) : undefined; // BL
  },
};

const masked = (word: number, mask: number) => (word & mask) >>> 0;

/** `ADRP`, and the `ADD` or `LDR` that goes on from there. */
function addressing(word: number, at: number): Instruction | undefined {
  const [to, from] = [word & 31, (word >>> 5) & 31];
  if (masked(word, 0x9f000000) === 0x90000000) {
    const pages = (((word << 8) >> 13) << 2) | ((word >>> 29) & 3);
    const value = Math.floor(at / 4096) * 4096 + pages * 4096;
    return { kind: "load", bytes: 4, to, value: { kind: "page", value } };
  }
  const offset = (word >>> 10) & 0xfff;
  if (masked(word, 0xffc00000) === 0x91000000) return { kind: "add", bytes: 4, to, from, offset, isVariable: false };
  if (masked(word, 0xffc00000) === 0xf9400000)
    return { kind: "add", bytes: 4, to, from, offset: offset * 8, isVariable: true };
  return undefined;
}

/** `MOVZ`, `ORR` of the zero register with a run of ones, and `MOV` between registers. */
function constant(word: number): Instruction | undefined {
  const to = word & 31;
  const load = (value: number): Instruction => ({ kind: "load", bytes: 4, to, value: { kind: "number", value } });
  if (masked(word, 0xffe00000) === 0xd2800000) return load((word >>> 5) & 0xffff);
  if (masked(word, 0xffc003e0) === 0xb24003e0) {
    const [rotation, ones] = [(word >>> 16) & 63, ((word >>> 10) & 63) + 1];
    const shift = (64 - rotation) % 64;
    return shift + ones <= 31 ? load(((1 << ones) - 1) << shift) : undefined; // a longer one is no length
  }
  if (masked(word, 0xffe0ffe0) === 0xaa0003e0)
    return { kind: "copy", bytes: 4, to, from: (word >>> 16) & 31, isChoice: false };
  return undefined;
}

/** `STP` and `STR` of words. */
function stored(word: number): Instruction | undefined {
  const [from, base] = [word & 31, (word >>> 5) & 31];
  if (masked(word, 0xffc00000) === 0xf9000000)
    return { kind: "store", bytes: 4, slots: [{ base, offset: ((word >>> 10) & 0xfff) * 8, from }] };
  if (masked(word, 0xffc00000) !== 0xa9000000) return undefined;
  const offset = ((word << 10) >> 25) * 8;
  const second = (word >>> 10) & 31;
  return {
    kind: "store",
    bytes: 4,
    slots: [
      { base, offset, from },
      { base, offset: offset + 8, from: second },
    ],
  };
}

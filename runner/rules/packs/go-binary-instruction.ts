/** The few instructions by which compiled Go loads strings and calls, as far as they matter for that. `bytes`: their length. */
export type Instruction = { bytes: number } & (
  | { kind: "load"; to: number; value: Value }
  /** `isChoice`: a conditional move, after which either value may be meant. */
  | { kind: "copy"; to: number; from: number; isChoice: boolean }
  /** arm64 only: the start of a page, and an offset in it. */
  | { kind: "add"; to: number; from: number; offset: number; isVariable: boolean }
  | { kind: "store"; slots: { base: number; offset: number; from: number | { number: number } }[] }
  | { kind: "call"; target: number }
);

/** `variable`: the word at that address. */
export type Value = { kind: "address" | "variable" | "page" | "number"; value: number };

/** What differs between processors; addresses are those of the file. */
export type Processor = {
  /** Registers of a function's arguments in Go's own calling convention (since 1.17), in order. */
  argumentRegisters: readonly number[];
  stackPointer: number;
  /** Where arguments begin on the stack in the convention before. */
  stackArguments: number;
  /** Undefined where no such instruction is; the next place is then `step` bytes on. */
  decode(code: Buffer, at: number, address: number): Instruction | undefined;
  step: number;
  /** The target of a call at this place, else undefined. */
  callTarget(code: Buffer, at: number, address: number): number | undefined;
};

import type { Instruction, Processor, Value } from "./go-binary-instruction.ts";
import { bytesAt, type ElfImage, word } from "./static-binary-elf.ts";

export type Code = { code: Buffer; address: number };

/** What instructions before a call have loaded. */
export type Loaded = {
  /** Strings by the place of their first register among the arguments: several when branches meet at the call. */
  arguments: string[][];
  /** All strings that were loaded or stored since the start of the window, in order. */
  all: string[];
};

/** A value, and where in the window the instruction ends that loaded or stored it. */
type Placed = Value & { at: number };

const maxStringBytes = 4096;
/** Both words of a string are written close to each other; a slot that is farther away held another string. */
const maxStoreDistance = 40;
/** Branches that meet at one call. */
const maxValues = 16;

/** Calls whose target `isTarget` accepts: address of the call, and of its target. */
export function callsIn(
  { code, address }: Code,
  { step, callTarget }: Processor,
  isTarget: (target: number) => boolean,
): { at: number; target: number }[] {
  const found: { at: number; target: number }[] = [];
  for (let at = 0; at < code.length; at += step) {
    const target = callTarget(code, at, address);
    if (target !== undefined && isTarget(target)) found.push({ at: address + at, target });
  }
  return found;
}

/**
 * Strings that the instructions of a window load as constants: an address and a length in neighbouring argument registers or in
 * neighbouring words of memory. No register lives through a call, so each that `isCall` accepts starts afresh.
 */
export function loadedBefore(
  image: ElfImage,
  processor: Processor,
  { code, address }: Code,
  isCall: (target: number) => boolean,
): Loaded {
  const registers = new Map<number, Placed[]>();
  const memory = new Map<string, Placed>();
  const all: string[] = [];
  const state: State = { registers, memory, onText: (text) => all.push(text), image };
  const flush = (): string[][] => {
    const strings = argumentStrings(image, registers, processor);
    all.push(...strings.flat());
    registers.clear();
    return strings;
  };
  for (let at = 0; at < code.length; ) {
    const instruction = processor.decode(code, at, address);
    const isOne = instruction !== undefined && (instruction.kind !== "call" || isCall(instruction.target));
    at += isOne ? instruction.bytes : processor.step;
    if (isOne && instruction.kind === "call") flush();
    else if (isOne) apply(state, instruction, at);
  }
  const strings = flush().map((each, index) => (each.length > 0 ? each : stackArgument(state, processor, index)));
  return { arguments: strings, all };
}

type State = {
  image: ElfImage;
  registers: Map<number, Placed[]>;
  memory: Map<string, Placed>;
  onText: (text: string) => void;
};

function apply(state: State, instruction: Instruction, at: number): void {
  const { registers } = state;
  const of = (register: number) => registers.get(register) ?? [];
  const set = (register: number, values: Placed[]) => void registers.set(register, values.slice(-maxValues));
  if (instruction.kind === "load") {
    // Beside what another branch has loaded before it.
    set(instruction.to, [...of(instruction.to), { ...instruction.value, at }]);
  } else if (instruction.kind === "copy") {
    const before = instruction.isChoice ? of(instruction.to) : [];
    set(instruction.to, [...before, ...of(instruction.from)]);
  } else if (instruction.kind === "add") {
    const { to, from, offset, isVariable } = instruction;
    const page = of(from).findLast(({ kind }) => kind === "page");
    if (page === undefined) return;
    const others = of(to).filter(({ kind }) => kind !== "page");
    set(to, [...others, { kind: isVariable ? "variable" : "address", value: page.value + offset, at }]);
  } else if (instruction.kind === "store") {
    for (const { base, offset, from } of instruction.slots) {
      const value = typeof from === "number" ? of(from).at(-1) : ({ kind: "number", value: from.number } as const);
      if (value) store(state, base, offset, { ...value, at });
    }
  }
}

function store({ memory, image, onText }: State, base: number, offset: number, value: Placed): void {
  memory.set(`${base}:${offset}`, value);
  const first = value.kind === "number" ? offset - 8 : offset;
  const [pointer, length] = [memory.get(`${base}:${first}`), memory.get(`${base}:${first + 8}`)];
  if (!pointer || !length || Math.abs(pointer.at - length.at) > maxStoreDistance) return;
  const text = stringOf(image, pointer, length);
  if (text !== undefined) onText(text);
}

/** Before Go 1.17 arguments were words of the stack. */
function stackArgument({ image, memory }: State, processor: Processor, index: number): string[] {
  const offset = processor.stackArguments + index * 8;
  const [pointer, length] = [offset, offset + 8].map((each) => memory.get(`${processor.stackPointer}:${each}`));
  return (pointer && length && asList(stringOf(image, pointer, length))) ?? [];
}

function argumentStrings(
  image: ElfImage,
  registers: ReadonlyMap<number, Placed[]>,
  { argumentRegisters }: Processor,
): string[][] {
  return argumentRegisters.slice(0, -1).map((register, index) => {
    const lengths = registers.get(argumentRegisters[index + 1] ?? 0) ?? [];
    return (registers.get(register) ?? []).flatMap((pointer) => {
      // Of several lengths the one that was loaded nearest to the address belongs to it.
      const length = [...lengths].sort((a, b) => Math.abs(a.at - pointer.at) - Math.abs(b.at - pointer.at))[0];
      return length === undefined ? [] : asList(stringOf(image, pointer, length));
    });
  });
}

const asList = (text: string | undefined): string[] => (text === undefined ? [] : [text]);

function stringOf(image: ElfImage, pointer: Value, length: Value): string | undefined {
  if (pointer.kind === "address" && length.kind === "number") return textAt(image, pointer.value, length.value);
  if (pointer.kind !== "variable" || length.kind !== "variable" || length.value !== pointer.value + 8) return undefined;
  const header = bytesAt(image, pointer.value, 16);
  return header && textAt(image, word(header, 0), word(header, 8));
}

function textAt(image: ElfImage, address: number, length: number): string | undefined {
  if (length < 1 || length > maxStringBytes) return undefined;
  const text = bytesAt(image, address, length)?.toString("utf8");
  // Bytes with control characters are numbers or code, and no text.
  return text === undefined || /[\0-\x08\x0e-\x1f\ufffd]/.test(text) ? undefined : text;
}

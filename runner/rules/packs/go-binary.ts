import type { Wanted } from "../wanted.ts";
import { type Start, startsOfScript } from "./command-line.ts";
import { amd64 } from "./go-binary-amd64.ts";
import { arm64 } from "./go-binary-arm64.ts";
import { callsIn, loadedBefore } from "./go-binary-code.ts";
import { functionAt, type GoFunctions, goFunctions } from "./go-binary-functions.ts";
import type { Processor } from "./go-binary-instruction.ts";
import type { PackContext } from "./pack.ts";
import { startWanted } from "./shell.ts";
import { codeOf, type ElfImage, elfImage } from "./static-binary-elf.ts";

/**
 * Programs of the image that a Go program of the application starts, and those of the texts that it hands to a shell. A name that
 * leads to no program is not one: among what wrappers are given are other words too.
 */
export function goPrograms(bytes: Buffer, by: string, context: PackContext): Wanted[] {
  const directory = context.workdir || "/";
  const starts = goStarts(bytes).flatMap(({ name, texts }): Start[] => [
    { words: [name], directory },
    ...texts.flatMap((text) => startsOfScript(text, directory).starts),
  ]);
  const wanted = starts
    .filter(({ words }) => /^[\w/]/.test(words[0] ?? ""))
    .flatMap((start) => startWanted(context, start, by));
  return [...new Map(wanted.map((each) => [each.path, each])).values()];
}

/** A program that the code starts; `texts`: strings that it may hand to it, when it is a shell. */
export type GoStart = { name: string; texts: readonly string[] };

/** Functions that start a program or look one up, and which of their arguments is its name (a context is two words). */
const starters: Readonly<Record<string, number>> = {
  "os/exec.Command": 0,
  "os/exec.CommandContext": 2,
  "os/exec.LookPath": 0,
  "os/exec.lookPath": 0, // LookPath itself is inlined in newer versions
  "os.StartProcess": 0,
  "syscall.Exec": 0,
  "syscall.ForkExec": 0,
  "syscall.StartProcess": 0,
};

/** The library's own way from one of these to the next. */
const isInside = /^(os|os\/exec|syscall|internal\/.*|runtime)\.[^/]*$/;
const shellName = /^(\/(usr\/)?bin\/)?(sh|bash|dash|ash|zsh|ksh)$/;

/** Bytes before a call in which its arguments are loaded: the strings of a slice or a format are stored farther away. */
const nameBytes = 192;
const textBytes = 640;
/** How many functions may stand between the name and the call: `run("git")`, which calls `exec.Command(name)`. */
const maxWrappers = 2;
const wrapperArguments = [0, 1, 2, 3, 4];
const maxStarts = 500;
const maxCalls = 5000;

type Program = {
  image: ElfImage;
  processor: Processor;
  functions: GoFunctions;
  /** Where the functions of the table really are. */
  entries: Float64Array;
};

/** Entries of functions, and which of their arguments may be the name of a program. */
type Targets = Map<number, readonly number[]>;

/**
 * Programs that a Go program (amd64 and arm64, Go 1.16 or newer) names in calls that start programs, also through functions of
 * its own that hand a name on. Go's strings have no ends, so names are not looked for in the bytes: they are what the code loads.
 */
export function goStarts(bytes: Buffer): readonly GoStart[] {
  const known = startsOfBytes.get(bytes) ?? findStarts(bytes);
  startsOfBytes.set(bytes, known);
  return known;
}

/** Reading tens of megabytes of code takes up to a second; the same bytes are asked for in each wave. */
const startsOfBytes = new WeakMap<Buffer, readonly GoStart[]>();

function findStarts(bytes: Buffer): GoStart[] {
  const program = goProgram(bytes);
  if (program === undefined) return [];
  let targets: Targets = new Map(
    Object.entries(starters).flatMap(([name, index]) => entriesOf(program, name).map((entry) => [entry, [index]])),
  );
  const known = new Set<number>();
  const found: GoStart[] = [];
  for (let depth = 0; depth <= maxWrappers && targets.size > 0; depth++) {
    for (const entry of targets.keys()) known.add(entry);
    const calls = startsAt(program, targets);
    for (const { starts } of calls) found.push(...starts);
    const wrappers = calls.filter(({ starts }) => starts.length === 0).flatMap((call) => wrappersOf(program, call));
    targets = new Map(wrappers.filter((entry) => !known.has(entry)).map((entry) => [entry, wrapperArguments]));
  }
  return found.slice(0, maxStarts);
}

function goProgram(bytes: Buffer): Program | undefined {
  const image = elfImage(bytes);
  const processor = image && { 62: amd64, 183: arm64 }[image.machine];
  const functions = image && processor && goFunctions(image);
  if (!image || !processor || !functions) return undefined;
  return { image, processor, functions, entries: realEntries(image, processor, functions) };
}

/**
 * Linkers since Go 1.26 leave the start of the text out of the table. The function that is called most, by far, is the one that
 * each function calls to grow its stack: its place tells the start.
 */
function realEntries(image: ElfImage, processor: Processor, { entries, isRelative, named }: GoFunctions): Float64Array {
  const grow = entries[named("runtime.morestack_noctxt")[0] ?? -1];
  if (!isRelative || grow === undefined) return entries;
  const counts = new Map<number, number>();
  for (const part of codeOf(image)) {
    const end = part.address + part.code.length;
    for (const { target } of callsIn(part, processor, (each) => each >= part.address && each < end))
      counts.set(target, (counts.get(target) ?? 0) + 1);
  }
  let most = 0;
  for (const [target, count] of counts) if (count > (counts.get(most) ?? 0)) most = target;
  return entries.map((entry) => entry + most - grow);
}

const entriesOf = ({ functions, entries }: Program, name: string): number[] =>
  functions.named(name).map((index) => entries[index] ?? 0);

/** A function that names nothing itself may have the name from its caller; the one that made it, where it is a closure. */
function wrappersOf(program: Program, { caller }: { caller: number }): number[] {
  const name = program.functions.nameAt(caller);
  if (caller < 0 || isInside.test(name)) return [];
  const outer = name.replace(/\.func\d.*$/, "");
  return outer === name ? [program.entries[caller] ?? 0] : entriesOf(program, outer);
}

/** Every call of the targets, with the index of the function that it stands in, and what it names in one of the arguments. */
function startsAt(program: Program, targets: Targets): { starts: GoStart[]; caller: number }[] {
  const { image, processor, entries } = program;
  const isFunction = (target: number) => entries[functionAt(entries, target)] === target;
  return codeOf(image).flatMap(({ code, address }) =>
    callsIn({ code, address }, processor, (target) => targets.has(target))
      .slice(0, maxCalls)
      .map(({ at, target }) => {
        const caller = functionAt(entries, at);
        const before = (length: number) => {
          const from = Math.max(entries[caller] ?? 0, at - length, address);
          const window = { code: code.subarray(from - address, at - address), address: from };
          return loadedBefore(image, processor, window, isFunction);
        };
        const strings = before(nameBytes).arguments;
        const names = (targets.get(target) ?? []).flatMap((index) => strings[index] ?? []);
        return { starts: names.map((name) => startOf(name, () => before(textBytes).all)), caller };
      }),
  );
}

function startOf(name: string, texts: () => string[]): GoStart {
  if (!shellName.test(name)) return { name, texts: [] };
  return { name, texts: [...new Set(texts())].filter((text) => text !== name && !text.startsWith("-")) };
}

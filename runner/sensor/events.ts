import { decodeBytes, unescapeText } from "./byte-text.ts";
import { siphash } from "./siphash.ts";

const fileKinds = {
  r: "read",
  w: "write",
  x: "exec",
  s: "stat",
  l: "readlink",
  d: "list",
  c: "chdir",
  a: "xattr",
  o: "other",
} as const;
const fileResults = ["ok", "noent", "notdir", "err", "virt"] as const;

export type FileKind = (typeof fileKinds)[keyof typeof fileKinds];
export type FileResult = (typeof fileResults)[number];

/** What one run of `sensor observe` saw. Paths and arguments are byte text (see byte-text.ts). */
export type SensorRun = {
  header: Record<string, string>;
  level: "full" | "nnp";
  /** Paths of the executables by their number; 0 is the launcher, whose path is empty. */
  exes: string[];
  processes: { pid: number; ppid: number; exe: string; argv: string[]; cut: boolean }[];
  files: { kind: FileKind; exe: string; path: string; result: FileResult }[];
  links: { path: string; target: string }[];
  interpreters: string[];
  sockets: { op: "bind" | "connect"; family: string; address: string; port: number }[];
  /** The last set of each architecture: every later one holds the earlier ones. */
  syscalls: { arch: string; how: "bpf" | "rare"; numbers: number[] }[];
  signals: { signal: number; how: "caught" | "uncaught" | "ignored" }[];
  warnings: { code: string; text: string }[];
  /** Of the last end mark; empty before there is one. `malformed` counts lines that are no record. */
  counters: Record<string, number>;
  /** The file ends with an end mark whose code is right: nothing is missing and nothing was added. */
  complete: boolean;
};

const newline = 0x0a;

function pairs(fields: string[]): [string, string][] {
  return fields.map((field) => {
    const at = field.indexOf("=");
    return at < 0 ? [field, ""] : [field.slice(0, at), field.slice(at + 1)];
  });
}

function isOneOf<T extends string>(words: readonly T[], word: string | undefined): word is T {
  return words.some((each) => each === word);
}

function isFileKind(letter: string | undefined): letter is keyof typeof fileKinds {
  return letter !== undefined && Object.hasOwn(fileKinds, letter);
}

const number = (text: string | undefined): number =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : Number.NaN;

/** Adds one record to the run. Returns false if it is none that this version knows. */
function addRecord(run: SensorRun, type: string, fields: string[]): boolean {
  const [first = "", second = "", third = "", fourth = ""] = fields;
  const exe = (text: string) => run.exes[number(text)];
  switch (type) {
    case "H":
      run.header = Object.fromEntries(pairs(fields));
      if (!isOneOf(["full", "nnp"] as const, run.header.level) || run.header.version !== "1") return false;
      run.level = run.header.level;
      return true;
    case "E":
      if (number(first) !== run.exes.length) return false;
      run.exes.push(second);
      return true;
    case "P": {
      const path = exe(third);
      if (path === undefined || !isOneOf(["0", "1"] as const, fourth)) return false;
      run.processes.push({
        pid: number(first),
        ppid: number(second),
        exe: path,
        argv: fields.slice(4),
        cut: fourth === "1",
      });
      return true;
    }
    case "F": {
      const path = exe(second);
      if (path === undefined || !isFileKind(first) || !isOneOf(fileResults, fourth)) return false;
      run.files.push({ kind: fileKinds[first], exe: path, path: third, result: fourth });
      return true;
    }
    case "L":
      run.links.push({ path: first, target: second });
      return fields.length === 2;
    case "I":
      run.interpreters.push(first);
      return fields.length === 1;
    case "N":
      if (!isOneOf(["b", "c"] as const, first) || Number.isNaN(number(fourth))) return false;
      run.sockets.push({
        op: first === "b" ? "bind" : "connect",
        family: second,
        address: third,
        port: number(fourth),
      });
      return true;
    case "S": {
      const numbers = third === "" ? [] : third.split(",").map(Number);
      if (!isOneOf(["bpf", "rare"] as const, second) || numbers.some(Number.isNaN)) return false;
      run.syscalls = [...run.syscalls.filter(({ arch }) => arch !== first), { arch: first, how: second, numbers }];
      return true;
    }
    case "T":
      if (!isOneOf(["caught", "uncaught", "ignored"] as const, second) || Number.isNaN(number(first))) return false;
      run.signals.push({ signal: number(first), how: second });
      return true;
    case "W":
      run.warnings.push({ code: first, text: second });
      return fields.length === 2;
    case "Z":
      run.counters = Object.fromEntries(
        pairs(fields).flatMap(([name, value]) => (name === "mac" ? [] : [[name, Number(value)]])),
      );
      return true;
    default:
      return false;
  }
}

/** Whether the file ends with an end mark whose code, over every byte before `mac=`, is right. */
function isSealed(bytes: Buffer, key: Buffer): boolean {
  if (bytes.at(-1) !== newline) return false;
  const start = bytes.lastIndexOf(newline, bytes.length - 2) + 1;
  const line = bytes.toString("latin1", start, bytes.length - 1);
  const at = line.lastIndexOf("\tmac=");
  if (!line.startsWith("Z\t") || at < 0) return false;
  return siphash(key, bytes.subarray(0, start + at + 1)) === line.slice(at + 5);
}

/**
 * Reads an event file (docs/sensor-protocol.md). `key` is the run's WINNOW_SENSOR_KEY, 32 hex digits. A snapshot of a run
 * that goes on, whose last line may be cut, gives what is there, with `complete` false. Never throws for what is in the
 * file: the image can write to it; lines that are no records are counted as `counters.malformed`, and then the run is not complete.
 */
export function parseEvents(bytes: Buffer, key: string): SensorRun {
  const run: SensorRun = {
    header: {},
    level: "nnp",
    exes: [],
    processes: [],
    files: [],
    links: [],
    interpreters: [],
    sockets: [],
    syscalls: [],
    signals: [],
    warnings: [],
    counters: {},
    complete: false,
  };
  let malformed = 0;
  const end = bytes.lastIndexOf(newline) + 1; // a cut last line is not a record
  for (let at = 0; at < end; ) {
    const next = bytes.indexOf(newline, at);
    const [type = "", ...fields] = decodeBytes(bytes.subarray(at, next)).split("\t");
    if (!addRecord(run, type, fields.map(unescapeText))) malformed++;
    at = next + 1;
  }
  run.counters.malformed = malformed;
  run.complete = malformed === 0 && isSealed(bytes, Buffer.from(key, "hex"));
  return run;
}

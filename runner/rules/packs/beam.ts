import { gunzipSync, inflateSync } from "node:zlib";

/** What a compiled Erlang module names. */
export type Beam = {
  module: string;
  /** All its atoms, itself included. */
  atoms: string[];
  /** Modules whose functions it calls. */
  calls: string[];
  /** Its string literals, when it calls what starts programs of the system: `os:cmd`, `open_port`, `System.cmd`. */
  commands: string[];
};

const maxBytes = 16 << 20;
const maxAtoms = 100_000;

/**
 * Reads the atom and import chunks of a BEAM file (IFF with the form `BEAM`; beam_lib(3)), also one that is compressed as a
 * whole. Undefined when it is none; never fails.
 */
export function parseBeam(file: Buffer): Beam | undefined {
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? unzipped(file) : file;
  if (bytes?.toString("latin1", 0, 4) !== "FOR1" || bytes.toString("latin1", 8, 12) !== "BEAM") return undefined;
  const chunks = new Map<string, Buffer>();
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32BE(at + 4);
    chunks.set(bytes.toString("latin1", at, at + 4), bytes.subarray(at + 8, at + 8 + size));
    at += 8 + Math.ceil(size / 4) * 4;
  }
  const utf8 = chunks.get("AtU8");
  const atoms = utf8 ? readAtoms(utf8, "utf8") : readAtoms(chunks.get("Atom") ?? Buffer.alloc(0), "latin1");
  const [module] = atoms;
  if (module === undefined) return undefined;
  const imports = importsOf(chunks.get("ImpT") ?? Buffer.alloc(0)).map(([from, name]) => [
    atoms[from - 1] ?? "",
    atoms[name - 1] ?? "",
  ]);
  const calls = new Set(imports.flatMap(([from = ""]) => (from === "" || from === module ? [] : [from])));
  const starts = imports.some((call) => starters.test(call.join(":")));
  return { module, atoms, calls: [...calls], commands: starts ? stringsIn(chunks.get("LitT")) : [] };
}

const starters = /^(?:os:cmd|erlang:open_port|Elixir\.System:(?:cmd|shell)|Elixir\.Port:open)$/;

/** The strings and binaries among the literals: an inflated size (0: stored), then terms in the external format (erl_ext_dist). */
function stringsIn(chunk: Buffer | undefined): string[] {
  if (chunk === undefined || chunk.length < 4) return [];
  const terms = chunk.readUInt32BE(0) === 0 ? chunk.subarray(4) : inflated(chunk.subarray(4));
  const found: string[] = [];
  for (let at = 0; at + 3 <= terms.length && found.length < maxAtoms; ) {
    const isString = terms[at] === stringTag;
    const isBinary = terms[at] === binaryTag && at + 5 <= terms.length;
    const start = at + (isString ? 3 : 5);
    const length = isString ? terms.readUInt16BE(at + 1) : isBinary ? terms.readUInt32BE(at + 1) : 0;
    const text = length > 0 && start + length <= terms.length ? terms.toString("utf8", start, start + length) : "";
    // Tags are looked for and not parsed, so what is no text was none.
    const isText = /^[\t\n\r\x20-\x7e]{2,400}$/.test(text);
    if (isText) found.push(text);
    at = isText ? start + length : at + 1;
  }
  return found;
}

const stringTag = 107;
const binaryTag = 109;

function inflated(bytes: Buffer): Buffer {
  try {
    return inflateSync(bytes, { maxOutputLength: maxBytes });
  } catch {
    return Buffer.alloc(0); // damaged, or larger than any module
  }
}

function unzipped(file: Buffer): Buffer | undefined {
  try {
    return gunzipSync(file, { maxOutputLength: maxBytes });
  } catch {
    return undefined; // damaged, or larger than any module
  }
}

/** A count and so many atoms, each behind its length. Since OTP 28 the count is negative and lengths are compact terms. */
function readAtoms(chunk: Buffer, encoding: "utf8" | "latin1"): string[] {
  if (chunk.length < 4) return [];
  const count = chunk.readInt32BE(0);
  const atoms: string[] = [];
  for (let at = 4; atoms.length < Math.min(Math.abs(count), maxAtoms) && at < chunk.length; ) {
    const length = count < 0 ? compact(chunk, at) : { value: chunk[at] ?? 0, size: 1 };
    const start = at + length.size;
    atoms.push(chunk.toString(encoding, start, start + length.value));
    at = start + length.value;
  }
  return atoms;
}

/** A small number as the loader's compact terms have it: 4 bits, or 3 and a further byte. */
function compact(chunk: Buffer, at: number): { value: number; size: number } {
  const first = chunk[at] ?? 0;
  if ((first & 0x08) === 0) return { value: first >> 4, size: 1 };
  return { value: ((first & 0xe0) << 3) | (chunk[at + 1] ?? 0), size: 2 };
}

/** Atom numbers of module and function in the import table: a count, then module, function and arity in 32 bits each. */
function importsOf(chunk: Buffer): [module: number, name: number][] {
  const imports: [number, number][] = [];
  const count = chunk.length < 4 ? 0 : chunk.readUInt32BE(0);
  for (let i = 0, at = 4; i < count && at + 12 <= chunk.length; i++, at += 12)
    imports.push([chunk.readUInt32BE(at), chunk.readUInt32BE(at + 4)]);
  return imports;
}

const maxTermBytes = 1 << 20;

/** The applications that an `.app` file starts with its own; a tolerant look for the lists, not a reader of terms. */
export function applicationsOf(app: string): string[] {
  const plain = app.slice(0, maxTermBytes).replace(/%.*$/gm, "");
  const start = /applications\s{0,99},\s{0,99}\[/g;
  const names = new Set<string>();
  while (start.test(plain)) {
    const end = plain.indexOf("]", start.lastIndex);
    if (end < 0) break;
    for (const word of plain.slice(start.lastIndex, end).split(",")) {
      const name = word.trim().replace(/^'(.*)'$/, "$1");
      if (/^[a-z]\w*$/.test(name)) names.add(name);
    }
    start.lastIndex = end;
  }
  return [...names];
}

/** The applications on the code path of a boot file: a term in the external format, in which paths stand in the clear. */
export function applicationsOfBoot(boot: Buffer): string[] {
  const paths = boot.toString("latin1").matchAll(/\/([a-z][a-z0-9_]{0,99})(?:-[\w.+-]{1,99})?\/ebin/g);
  return [...new Set([...paths].map(([, name = ""]) => name))];
}

/** The atoms of a text of terms (`sys.config`), and which of them are configured as applications: `{NAME, [`. */
export function configuredIn(config: string): { atoms: string[]; applications: string[] } {
  const plain = config
    .slice(0, maxTermBytes)
    .replace(/%.*$/gm, "")
    .replace(/"[^"]*"/g, '""');
  const applications = plain.matchAll(/\{\s{0,99}([a-z]\w*)\s{0,99},\s{0,99}\[/g);
  const atoms = plain.matchAll(/'([^'\n]{1,255})'|\b([a-z]\w*)/g);
  return {
    atoms: [...new Set([...atoms].map(([, quoted, bare]) => quoted ?? bare ?? ""))],
    applications: [...new Set([...applications].map(([, name = ""]) => name))],
  };
}

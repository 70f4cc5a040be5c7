import { fileAt } from "./gather.ts";
import type { PackContext } from "./pack.ts";
import { type PythonSource, pythonImports } from "./python-imports.ts";

/** Modules that the interpreter's own C code imports when a method is called. */
const byMethod: readonly (readonly [string, string])[] = [
  ["strptime", "_strptime"],
  ["iterdump", "sqlite3.dump"],
  ["N{", "unicodedata"],
  ["resources", "importlib.readers"],
];

/** Extension modules beyond this size are not read. */
export const maxExtensionBytes = 16 << 20;

/** `isLoader`: it imports modules by computed names. */
type Scanned = PythonSource & { methods: readonly string[]; isLoader: boolean };

const parsed = new WeakMap<Buffer, Scanned>();
const nothing = { imports: [], literals: new Set<string>(), all: [], methods: [], isLoader: false };

/** What a source says. It is kept as long as its bytes are: every wave of reads asks again. */
export function sourceAt(path: string, context: PackContext): Scanned {
  const real = fileAt(context, path);
  const limit = path.endsWith(".so") ? maxExtensionBytes : undefined;
  const bytes = real === undefined ? undefined : context.content(real, limit);
  if (bytes === undefined || real === undefined) return nothing;
  const known = parsed.get(bytes);
  if (known) return known;
  const found = path.endsWith(".so")
    ? { ...nothing, literals: namesInExtension(bytes) }
    : {
        ...pythonImports(context.text(real) ?? ""),
        methods: byMethod.flatMap(([name, module]) => (bytes.includes(name) ? [module] : [])),
        isLoader: path.endsWith("/__init__.py") || bytes.includes("import_module(") || bytes.includes("__import__("),
      };
  parsed.set(bytes, found);
  return found;
}

/** Modules that C code imports stand in it as constants. */
function namesInExtension(bytes: Buffer): Set<string> {
  const names = bytes.toString("latin1").matchAll(/\0([A-Za-z_]\w{0,60}(?:\.\w{1,60}){0,6})(?=\0)/g);
  return new Set([...names].slice(0, 20_000).map(([, name = ""]) => name));
}

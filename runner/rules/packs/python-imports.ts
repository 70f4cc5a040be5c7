/**
 * When an import runs: with the module, only in a function or when the file is the program, or in a branch that no Linux
 * program takes (`if TYPE_CHECKING:`, `if sys.platform == "win32":`).
 */
export type When = "module" | "lazy" | "never";

/** `from ..a import b, c` is { module: "a", level: 2, names: ["b", "c"] }; `import a.b` has no names. */
export type PythonImport = {
  module: string;
  level: number;
  names: readonly string[];
  when: When;
  /** It stands by itself, in no branch and no `try`: without what it names its module cannot be loaded. */
  isPlain?: true;
};

export type PythonSource = {
  imports: readonly PythonImport[];
  /** String literals that could be names of modules: words with dots between, and what follows a colon. */
  literals: ReadonlySet<string>;
  /** What `__all__` lists. */
  all: readonly string[];
};

type Line = { indent: number; code: string; strings: readonly string[] };

const name = "[\\w\\u0080-\\uffff]+";
const dotted = new RegExp(`^${name}(?:\\.${name})*`);
const moduleLiteral = /^[A-Za-z_][\w.:/-]{0,200}$/;
const importCall =
  /\b(?:import_module|__import__|import_string|import_object|load_object|lazy_import|import_optional_dependency)\s*\(\s*(?:name\s*=\s*)?"(\d+)"/g;

/**
 * The imports of a Python source, 2 or 3, with literal names in `importlib.import_module("x")` and its like. It knows
 * comments, strings, brackets, continued lines and indentation, no grammar; never throws, linear.
 */
export function pythonImports(source: string): PythonSource {
  const imports: PythonImport[] = [];
  const literals = new Set<string>();
  const all: string[] = [];
  const blocks: { indent: number; when: When }[] = [];
  for (const { indent, code, strings } of logicalLines(source)) {
    while (blocks.length > 0 && (blocks.at(-1)?.indent ?? 0) >= indent) blocks.pop();
    let when = blocks.at(-1)?.when ?? "module";
    for (const text of strings) if (moduleLiteral.test(text)) literals.add(text);
    const opened = blockOf(code, strings);
    if (opened !== undefined) {
      // Inside a branch that is never taken nothing is.
      if (when !== "never") when = opened;
      blocks.push({ indent, when });
    }
    const isPlain = indent === 0 && /^(?:import|from)\b/.test(code);
    for (const statement of statements(code))
      for (const each of importsOf(statement, when)) imports.push(isPlain ? { ...each, isPlain } : each);
    for (const match of strings.length > 0 ? code.matchAll(importCall) : []) {
      const text = strings[Number(match[1])] ?? "";
      const level = /^\.*/.exec(text)?.[0].length ?? 0;
      const module = text.slice(level);
      if (dotted.exec(module)?.[0] === module) imports.push({ module, level, names: [], when });
    }
    if (/^__all__\s*(?:\+?=|\.(?:extend|append)\b)/.test(code)) for (const each of strings) all.push(each);
  }
  return { imports, literals, all };
}

const otherSystem =
  /^sys\.platform\s*==\s*["'](?:win32|cygwin|darwin)["']|^sys\.platform\.startswith\(\s*["'](?:win|darwin)|^os\.name\s*==\s*["'](?:nt|ce|java)["']/;

/** What a line that opens a block says about when the block runs; undefined when it says nothing new. */
function blockOf(code: string, strings: readonly string[]): When | undefined {
  if (/^(?:async\s+)?def\b/.test(code)) return "lazy";
  const condition = /^(?:el)?if\b\s*\(?\s*(.*)$/s.exec(code)?.[1];
  if (condition === undefined) return undefined;
  if (/\bor\b/.test(condition)) return undefined;
  if (/^(?:\w+\.)?TYPE_CHECKING\b|^(?:False|0)\s*\)?\s*:/.test(condition)) return "never";
  if (/^__name__\s*==/.test(condition)) return "lazy";
  if (!/^(?:sys|os)\./.test(condition)) return undefined;
  return otherSystem.test(condition.replace(/"(\d+)"/g, (_, at) => `"${strings[Number(at)]}"`)) ? "never" : undefined;
}

/** The simple statements of a line that could be imports: between semicolons, and behind the colon of a header. */
function statements(code: string): string[] {
  if (!/\bimport\b/.test(code)) return [];
  return code.split(";").map((part) => {
    const text = part.trim();
    if (/^(?:import|from)\b/.test(text)) return text;
    return /:\s*((?:import|from)\b.*)$/s.exec(text)?.[1] ?? "";
  });
}

function importsOf(statement: string, when: When): PythonImport[] {
  const text = statement.replace(/\s+/g, " ").replace(/ ?\. ?/g, ".");
  if (/^import\b/.test(text)) {
    const modules = text.slice(6).split(",");
    return modules.flatMap((each) => {
      const module = dotted.exec(each.trim())?.[0];
      return module === undefined ? [] : [{ module, level: 0, names: [], when }];
    });
  }
  const from = /^from\s*(\.*)\s*([\w.\u0080-\uffff]*?)\s*\bimport\b\s*(.*)$/s.exec(text);
  if (!from || (from[1] === "" && from[2] === "")) return [];
  const names = (from[3] ?? "").replace(/[()]/g, " ").split(",");
  return [
    {
      module: from[2] ?? "",
      level: (from[1] ?? "").length,
      names: names.map((each) => each.trim().split(/\s/)[0] ?? "").filter((each) => each !== ""),
      when,
    },
  ];
}

/**
 * Logical lines: joined over brackets and backslashes, without comments; strings stand as `"N"`, N their place in `strings`.
 * A bracket that nothing closes ends at the next line that begins a statement which cannot stand in brackets.
 */
function* logicalLines(source: string): Generator<Line> {
  const length = source.length;
  let at = 0;
  while (at < length) {
    let indent = 0;
    for (; at < length; at++) {
      const code = source.charCodeAt(at);
      if (code === 0x20) indent++;
      else if (code === 0x09) indent += 8 - (indent % 8);
      else if (code === 0x0c || code === 0xfeff) indent = 0;
      else break;
    }
    const parts: string[] = [];
    const strings: string[] = [];
    let depth = 0;
    let start = at;
    for (; at < length; at++) {
      const code = source.charCodeAt(at);
      if (code === 0x0a || code === 0x0d) {
        if (depth === 0 || /^(?:import|def|class)\s/.test(source.slice(at + 1, at + 8))) break;
        parts.push(source.slice(start, at), " ");
        start = at + 1;
      } else if (code === 0x23) {
        parts.push(source.slice(start, at));
        while (at + 1 < length && source.charCodeAt(at + 1) !== 0x0a && source.charCodeAt(at + 1) !== 0x0d) at++;
        start = at + 1;
      } else if (code === 0x22 || code === 0x27) {
        const { end, text } = stringAt(source, at);
        parts.push(source.slice(start, at).replace(/\b[rRbBuUfFtT]{1,2}$/, ""), `"${strings.length}"`);
        strings.push(text);
        at = end - 1;
        start = end;
      } else if (code === 0x5c) {
        const next = source.charCodeAt(at + 1);
        if (next !== 0x0a && next !== 0x0d) continue;
        parts.push(source.slice(start, at), " ");
        at += next === 0x0d && source.charCodeAt(at + 2) === 0x0a ? 2 : 1;
        start = at + 1;
      } else if (code === 0x28 || code === 0x5b || code === 0x7b) depth++;
      else if ((code === 0x29 || code === 0x5d || code === 0x7d) && depth > 0) depth--;
    }
    parts.push(source.slice(start, at));
    at++;
    const code = parts.join("").trim();
    if (code !== "") yield { indent, code, strings };
  }
}

/** The string that opens at a quote, and where it ends: at its closing quotes, or with the line when it is a plain one. */
function stringAt(source: string, start: number): { end: number; text: string } {
  const quote = source.charAt(start);
  const triple = quote + quote + quote;
  if (source.startsWith(triple, start)) {
    for (let at = start + 3; at < source.length; at++) {
      if (source.charCodeAt(at) === 0x5c) at++;
      else if (source.charAt(at) === quote && source.startsWith(triple, at))
        return { end: at + 3, text: source.slice(start + 3, Math.min(at, start + 300)) };
    }
    return { end: source.length, text: "" };
  }
  for (let at = start + 1; at < source.length; at++) {
    const code = source.charCodeAt(at);
    if (code === 0x5c) at += source.charCodeAt(at + 1) === 0x0d && source.charCodeAt(at + 2) === 0x0a ? 2 : 1;
    else if (source.charAt(at) === quote) return { end: at + 1, text: source.slice(start + 1, at) };
    else if (code === 0x0a || code === 0x0d) return { end: at, text: "" };
  }
  return { end: source.length, text: "" };
}

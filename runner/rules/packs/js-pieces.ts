const beforePlus = /(["'])((?:(?!\1)[^\\\n]){1,120})\1\s*\+/g;
const behindPlus = /\+\s*(["'])((?:(?!\1)[^\\\n]){1,120})\1/g;
const beforeInsertion = /[`}]([^`${}\\\n]{1,120})\$\{/g;
const behindInsertion = /\}([^`${}\\\n]{1,120})`/g;
const asArguments = /\.(?:concat|join|replace|replaceAll)\s*\(([^\n]{1,160})/g;
const literal = /(["'`])((?:(?!\1)[^\\\n]){1,120})\1/g;

/**
 * The parts of strings that a JavaScript source puts together when it runs: what stands beside a `+` or beside an insertion of a
 * template, and the arguments of `concat`, `join` and `replace`; none is longer than 120 characters. It may find more than these:
 * it does not tell comments, or quotes within quotes, from code.
 */
export function jsPieces(source: string): ReadonlySet<string> {
  const found = new Set<string>();
  const add = (pattern: RegExp, group: number, text = source) => {
    for (const match of text.matchAll(pattern)) found.add(match[group] ?? "");
  };
  add(beforePlus, 2);
  add(behindPlus, 2);
  add(beforeInsertion, 1);
  add(behindInsertion, 1);
  for (const match of source.matchAll(asArguments)) add(literal, 2, match[1]);
  return found;
}

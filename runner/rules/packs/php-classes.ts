const maxNames = 2000;
const name = String.raw`\\?[A-Za-z_]\w{0,80}(?:\\[A-Za-z_]\w{0,80}){0,12}`;
const imported = new RegExp(
  String.raw`^[ \t]*use\s+(?:function\s+|const\s+)?(${name})\s*(?:\\?\{([^}]{1,2000})\})?`,
  "gm",
);
const used = new RegExp(
  String.raw`\b(?:new|extends|implements|instanceof)\s+(${name})|\bcatch\s*\(\s*(${name})|(${name})::`,
  "g",
);

/**
 * Classes of libraries that a PHP source uses, without a leading `\`: those with a namespace or, in the manner of PEAR, with
 * underscores. What the source imports (`use A\B;`, `use A\{B, C as D};`), makes, extends, catches or calls; names relative to
 * an import are not resolved, because the import is told by itself.
 */
export function classesOfPhp(source: string): string[] {
  const found = new Set<string>();
  const add = (spelled: string | undefined) => {
    const each = spelled?.replace(/^\\/, "") ?? "";
    if (/[\\_]/.test(each.slice(1, -1)) && found.size < maxNames) found.add(each);
  };
  for (const [, prefix, group] of source.matchAll(imported)) {
    if (group === undefined) add(prefix);
    else for (const part of group.split(",")) add(`${prefix}\\${part.trim().replace(/\s.*$/s, "")}`);
  }
  for (const match of source.matchAll(used)) for (const each of match.slice(1)) add(each);
  return [...found];
}

/** Where PSR-0 has a class, relative to a root: `A\B_C` is A/B/C.php. */
export function classFiles(spelled: string): string[] {
  const path = spelled.replaceAll("\\", "/");
  const parts = /^(.*\/)?([^/]+)$/.exec(path);
  const pear = `${parts?.[1] ?? ""}${(parts?.[2] ?? "").replaceAll("_", "/")}`;
  return [...new Set([path, pear])].map((each) => `${each}.php`);
}

/** Absolute paths that a table of an autoloader names by themselves, not behind a directory: `=> array('/usr/share/php/X')`. */
export function placesInTable(source: string): string[] {
  const matches = source.matchAll(/(\.\s{0,9})?(["'])(\/[\w.+/-]{3,300})\2/g);
  return [...new Set([...matches].flatMap(([, isBehind, , path]) => (isBehind || !path ? [] : [path])))];
}

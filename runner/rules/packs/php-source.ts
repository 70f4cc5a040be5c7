/** What a PHP source includes: from its own directory, from wherever it looks, or a file of a table beside it. */
export type PhpInclude = { from: "here" | "path" | "above"; name: string };

const maxIncludes = 5000;
const here = `(?:__DIR__|dirname\\s*\\(\\s*__FILE__\\s*\\))`;
const statement = /\b(?:include|require)(?:_once)?\b[\s(]*/g;
const parents = new RegExp(
  `^dirname\\s*\\(\\s*(?:${here}|dirname\\s*\\(\\s*__DIR__\\s*\\))\\s*(?:,\\s*(\\d)\\s*)?\\)\\s*\\.\\s*(["'])([^"'$\\n]{1,300})\\2`,
);
const beside = new RegExp(`^${here}\\s*\\.\\s*(["'])([^"'$\\n]{1,300})\\1`);
const besideText = /^"\{?\$?__DIR__\}?([^"$\n]{1,300})"/;
const plain = /^(["'])([^"'$\n]{1,300})\1/;
/** `ABSPATH . 'wp-includes/x.php'`, `$root . '/lib/x.php'`, `constant('X') . 'x.php'`. */
const prefixed = /^[$\w>\\:()'-]{1,80}\s*\.\s*(?:DIRECTORY_SEPARATOR\s*\.\s*)?(["'])([^"'$\n]{1,300})\1/;
const anywhere = new RegExp(`${here}\\s*\\.\\s*(["'])(/[^"'$\\n]{1,300})\\1`, "g");
const table = /=>\s*(["'])(\/[\w./-]{1,300}\.php)\1/g;

/** The includes of a PHP source, and paths that it builds from its own directory or lists in an autoloader's table. */
export function scanPhp(source: string): PhpInclude[] {
  const found: PhpInclude[] = [];
  const add = (from: PhpInclude["from"], name: string | undefined) => {
    if (name && found.length < maxIncludes && !name.includes("\0")) found.push({ from, name });
  };
  for (const match of source.matchAll(statement)) {
    const rest = source.slice(match.index + match[0].length, match.index + match[0].length + 420);
    const up = parents.exec(rest);
    const direct = beside.exec(rest)?.[2] ?? besideText.exec(rest)?.[1];
    if (up) add("here", `${"../".repeat(Number(up[1] ?? 1))}${up[3]?.replace(/^\/+/, "")}`);
    else if (direct !== undefined) add("here", direct.replace(/^\/+/, ""));
    else if (plain.test(rest)) add("path", plain.exec(rest)?.[2]);
    else add("above", prefixed.exec(rest)?.[2]?.replace(/^\/+/, ""));
  }
  for (const [, , path] of source.matchAll(anywhere)) add("here", path?.replace(/^\/+/, ""));
  for (const [, , path] of source.matchAll(table)) add("here", path?.replace(/^\/+/, ""));
  return found;
}

/** `name=value` of an ini file, in order; sections do not matter to PHP. */
export function parseIni(ini: string): { name: string; value: string }[] {
  return ini.split("\n").flatMap((line) => {
    const [, name, rest = ""] = /^\s*([\w.[\]]{1,100})\s*=\s*(.{0,1000})/.exec(line) ?? [];
    if (name === undefined) return [];
    const value = /^(["'])(.*?)\1/.exec(rest)?.[2] ?? rest.replace(/\s*;.*$/, "");
    return [{ name, value: value.trim() }];
  });
}

export type ComposerPackage = { name: string; installPath: string; isDevelopment: boolean };

/**
 * Packages of vendor/composer/installed.json (Composer 1 and 2) with their place relative to that file's directory; empty for
 * what is none.
 */
export function parseInstalled(json: string): ComposerPackage[] {
  const root = parsed(json);
  const list = Array.isArray(root) ? root : field(root, "packages");
  const development = new Set(asArray(field(root, "dev-package-names")));
  return asArray(list).flatMap((each) => {
    const name = field(each, "name");
    const place = field(each, "install-path");
    if (typeof name !== "string" || !/^[\w.-]+\/[\w.-]+$/.test(name)) return [];
    const installPath = typeof place === "string" ? place : `../${name}`;
    return [{ name, installPath, isDevelopment: development.has(name) }];
  });
}

/** Names of the packages that composer.lock lists for production. */
export function parseComposerLock(json: string): string[] {
  return asArray(field(parsed(json), "packages")).flatMap((each) => {
    const name = field(each, "name");
    return typeof name === "string" && /^[\w.-]+\/[\w.-]+$/.test(name) ? [name] : [];
  });
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name] // an object, as was just asked
    : undefined;
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

import { posix } from "node:path";
import { resolvePath } from "../../rootfs.ts";
import type { Manifest } from "./node-resolve.ts";
import type { PackContext } from "./pack.ts";

/** A large file of a package that is there for somebody who takes another one of its builds. */
export type Build = {
  path: string;
  /** Path inside the package. */
  inside: string;
  base: string;
  /** The base without its extension. */
  stem: string;
  /** Another script of the package has the same base, so that the base alone does not name this one. */
  isShared: boolean;
  kind: "script" | "archive";
};

/** On four images 97 % of what this rule saves is in files of this size; half of it would find 1.0 MB more of 36. */
const minBytes = 256 << 10;

const script = /\.[cm]?js$/;
const archive = /\.(?:zip|tgz|tar|tar\.(?:gz|bz2|xz)|7z)$/;

/** What tells one build of a module from another, and no module from another. */
const buildWord =
  /^(?:min|minified|debug|dev|development|prod|production|release|asm|asmjs|wasm|inline|memory|growth|worker|webworker|browser|web|node|nodejs|umd|amd|iife|esm|es\d+|cjs|commonjs|module|system|systemjs|global|globals|bundle|bundled|standalone|all|full|slim|lite|compat|legacy|modern|bc|runtime|single)$/;

/** Files in these are for a browser or for look-up by name, and may be asked for by whoever comes. */
const servedOrListed =
  /(?:^|\/)(?:public|static|assets?|www|wwwroot|htdocs|web|client|vendor|views|templates?|themes?|data|plugins?|locales?|i18n|langs?|languages?)\//i;

/**
 * The large files of a package that are another build of its module, or an archive of its release, by their names: what is left
 * of the name without words such as `debug`, `umd` or `worker` is the package's name, or that of its main module. None for a
 * package without a main module: its files are what it is for.
 * @param files the files of the package that would be kept, real paths
 */
export function alternativeBuilds(
  context: PackContext,
  root: string,
  manifest: Manifest | undefined,
  files: readonly string[],
): Build[] {
  const isLarge = (path: string) => (context.rootfs.get(path)?.size ?? 0) >= minBytes && !context.isSeen(path);
  // What links lead to is of another package, or for a browser.
  const below = files.filter((path) => path.startsWith(`${root}/`));
  const large = below.filter((path) => (script.test(path) || archive.test(path)) && isLarge(path));
  if (large.length === 0) return [];
  const entries = entryFiles(context, root, manifest);
  if (entries.size === 0) return [];
  const cores = new Set([root, manifest?.name ?? root, ...entries].map((path) => core(posix.basename(path))));
  const bases = files.map((path) => posix.basename(path));
  return large.flatMap((path): Build[] => {
    const inside = path.slice(root.length + 1);
    const base = posix.basename(path);
    if (entries.has(path) || servedOrListed.test(inside) || isRenamed(inside, manifest)) return [];
    const isArchive = archive.test(path);
    const stem = base.replace(isArchive ? archive : script, "");
    if (!cores.has(core(base.replace(archive, "")))) return [];
    const isShared = bases.indexOf(base) !== bases.lastIndexOf(base);
    return [{ path, inside, base, stem, isShared, kind: isArchive ? "archive" : "script" }];
  });
}

/** Real paths of what a package.json names as its modules and programs, patterns apart; `index.js` when it names no main. */
function entryFiles(context: PackContext, root: string, manifest: Manifest | undefined): Set<string> {
  const named = [...(manifest?.entries ?? []), "index.js"].filter((entry) => !entry.includes("*"));
  const found = named.flatMap((entry) => {
    const at = posix.join(root, entry);
    const paths = [at, `${at}.js`, `${at}.cjs`, `${at}.mjs`, `${at}/index.js`];
    return paths.map((path) => resolvePath(context.rootfs, path)).filter((each) => "path" in each);
  });
  return new Set(found.filter(({ entry }) => entry.type === "file").map(({ path }) => path));
}

/** Whether a pattern of `exports` leads to a file under a name of which its own is not the end: `"./*": "./dist/*.min.js"`. */
function isRenamed(inside: string, manifest: Manifest | undefined): boolean {
  return (manifest?.entries ?? []).some((entry) => {
    const [before = "", behind] = entry.replace(/^\.?\//, "").split("*");
    const isPlain = behind === undefined || (/^(?:.*\/)?$/s.test(before) && /^(?:\.[cm]?js)?$/.test(behind));
    return !isPlain && inside.startsWith(before) && inside.endsWith(behind);
  });
}

/** What a name says without its extension and the words for a build: `sql` of `worker.sql-asm-debug.js`, of `sql.js` and of `sqljs-all`. */
function core(base: string): string {
  const words = base
    .toLowerCase()
    .replace(script, "")
    .replace(/-with-.*$/s, "")
    .split(/[-._]/);
  return words
    .filter((word) => !buildWord.test(word))
    .join("")
    .replace(/(?<=.)js$/, "");
}

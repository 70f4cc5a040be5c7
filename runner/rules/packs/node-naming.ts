import { posix } from "node:path";
import { jsLiterals, type Literals } from "./js-literals.ts";
import { jsPieces } from "./js-pieces.ts";
import type { Build } from "./node-builds.ts";

/** What a source names: a module, or a text such as a page or a configuration, of which only the text counts. */
export type Source = { path: string; text: string; literals: Literals; pieces: ReadonlySet<string> };

/** A package as sources name it: its directory and the names that lead there. */
export type Target = { root: string; names: readonly string[] };

const known = new WeakMap<Buffer, Omit<Source, "path">>();

/** Remembered for its bytes, because every wave asks again. */
export function sourceOf(path: string, bytes: Buffer): Source {
  const before = known.get(bytes);
  if (before) return { path, ...before };
  const text = bytes.toString("latin1");
  const isText = /\.(?!(?:[cm]?[jt]s|[jt]sx|vue|svelte)$)[^./]+$/.test(path);
  const source = isText
    ? { text, literals: new Map(), pieces: new Set<string>() }
    : { text, literals: jsLiterals(text), pieces: jsPieces(text) };
  known.set(bytes, source);
  return { path, ...source };
}

/** Whether a source of the same package names a build, its directory, or a part of its name that is put together when it runs. */
export function namedInside(source: Source, build: Build, { names }: Target): boolean {
  if (namedAnywhere(source, build, names, true) || piecesName(source, build)) return true;
  const directory = `/${posix.dirname(build.inside)}/`;
  return [...source.literals.keys()].some((text) => {
    const plain = trimmed(text);
    // Of a build at the top of its package the directory is the package.
    return plain !== "" && plain !== "." && directory.includes(`/${plain}/`);
  });
}

/** The same for the application and for packages that depend on the build's: parts of names count where they name the package. */
export function namedOutside(source: Source, build: Build, target: Target): boolean {
  if (namedAnywhere(source, build, target.names, false)) return true;
  if (!target.names.some((name) => source.text.includes(name))) return false;
  return piecesName(source, build) || namedThroughPackage(source, build, target);
}

/** The base, the stem as the last segment of a literal, or all words of the stem as literals. */
function namedAnywhere(
  { path, text, literals }: Source,
  build: Build,
  names: readonly string[],
  isInside: boolean,
): boolean {
  const { base, stem, isShared, inside } = build;
  const whole = isShared ? inside.split("/").slice(-2).join("/") : base;
  if (hasWord(text, whole)) return true;
  for (const [literal, isSpecifier] of literals) {
    if (names.includes(literal)) continue;
    const last = literal.slice(literal.lastIndexOf("/") + 1);
    if (last !== base && last !== stem) continue;
    // An import of a path says exactly which file it means.
    if (!isInside || !isSpecifier || !literal.startsWith(".")) return true;
    const at = posix.resolve(posix.dirname(path), literal);
    if (!isShared || build.path === at || build.path.replace(/\.[cm]?js$/, "") === at) return true;
  }
  const words = stem.split(/[-._]/);
  return words.length > 1 && words.every((word) => literals.has(word));
}

function piecesName({ path, pieces, literals }: Source, { path: file, base, stem, kind }: Build): boolean {
  const isPart = (piece: string) => {
    const part = piece.slice(piece.lastIndexOf("/") + 1);
    if (part === "") return isDirectoryPiece(piece, path, file);
    if (part.length < 2 || (kind === "script" && /^\.?[cm]?js$/.test(part))) return false;
    const isDelimited = /^[-._]|[-._]$/.test(part) && base.includes(part);
    return isDelimited || base.startsWith(part) || base.endsWith(part) || stem.endsWith(part);
  };
  if ([...pieces].some(isPart)) return true;
  // `".min.js"`, `"-debug"`, `"worker."`: parts of names wherever they stand.
  return [...literals.keys()].some(
    (text) => text.length > 2 && /^[-._]|[-._]$/.test(text) && !/[\s/]/.test(text) && isPart(text),
  );
}

/** `"./builds/" + name` */
function isDirectoryPiece(piece: string, source: string, file: string): boolean {
  const plain = trimmed(piece);
  if (plain !== "") return posix.dirname(file).endsWith(`/${plain}`);
  return piece.startsWith(".") && posix.join(posix.dirname(source), piece) === `${posix.dirname(file)}/`;
}

/** `pkg/dist`, `pkg/dist/sql-`, `../node_modules/pkg/` */
function namedThroughPackage({ literals, pieces }: Source, { inside }: Build, { names }: Target): boolean {
  // An import says exactly which file it means, unless something is added to it: it is a piece then.
  const plain = [...literals].filter(([, isSpecifier]) => !isSpecifier).map(([text]) => text);
  return [...plain, ...pieces].some((text) =>
    names.some((name) => {
      const at = text.indexOf(`${name}/`);
      if (at < 0 || (at > 0 && text.charAt(at - 1) !== "/")) return false;
      return inside.startsWith(text.slice(at + name.length + 1));
    }),
  );
}

/** A path without `./`, `../` and `/` at its start and `/` at its end. */
const trimmed = (path: string) => path.replace(/^(?:\.{0,2}\/)+/, "").replace(/\/$/, "");

/** Whether sources of a package load what they find in a directory, or tell others where the package is. */
export function opensItself(sources: readonly Source[]): boolean {
  const lists = sources.some(({ text }) =>
    /\b(?:readdir|opendir|glob|scandir)(?:Sync)?\b|\brequire\.context\b/.test(text),
  );
  if (lists && sources.some(({ text }) => /\b(?:require|import)\s*\(\s*[^\s"'`)]/.test(text))) return true;
  return sources.some(({ text }) =>
    /(?:\breturn\b|\bdefault\b|=>|\bexports(?:\.\w+)?\s*=)\s*(?:[\w.]+\s*\(\s*)*(?:__dirname\b(?!\s*\+)|import\.meta\.(?:dirname|url)\b)/.test(
      text,
    ),
  );
}

/** Whether a source outside of a package asks for its directory: `require.resolve("pkg")`, `"node_modules/pkg"`. */
export function opensPackage({ text, literals }: Source, { names }: Target): boolean {
  return names.some((name) => {
    if (text.includes(`node_modules/${name}`) || (literals.has("node_modules") && literals.has(name))) return true;
    for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1))
      if (/resolve\w*\s*\(\s*(?:[^"'`;]{1,60},\s*)?["'`]$/i.test(text.slice(Math.max(0, at - 100), at))) return true;
    return false;
  });
}

/** Whether `word` is in a text and is not a part of a longer name of a file. */
function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const before = text.charAt(at - 1);
    const behind = text.slice(at + word.length, at + word.length + 2);
    if (!/[\w.-]/.test(before) && !/^(?:[\w-]|\.\w)/.test(behind)) return true;
  }
  return false;
}

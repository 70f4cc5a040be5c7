import { posix } from "node:path";
import { type Entry, type Rootfs, resolvePath } from "../../rootfs.ts";
import type { Wanted } from "../wanted.ts";
import { byPack, type PackContext } from "./pack.ts";
import { isForDevelopers, isPrivateKey, isRuntime, isSystemDirectory, isSystemSecret } from "./system-paths.ts";

/** What is left out of an application's tree: other packs decide on third-party packages, and nobody runs history and caches. */
const pruned = new Set(
  "node_modules bower_components site-packages dist-packages .git .svn .hg .bzr .cache .npm .pnpm-store .pytest_cache .mypy_cache .ruff_cache .tox .nox .gradle .m2 .cargo .rustup .nvm .pyenv .rbenv .idea .vscode .ssh .gnupg".split(
    " ",
  ),
);

const maxEntries = 100_000;
/** Directories behind symbolic links add at most this. */
const maxLinkedBytes = 16 << 20;

type Names = ReadonlyMap<string, readonly string[]>;
type Image = { rootfs: Rootfs; children: Names };

/** Files, links and empty directories of a tree, in the order of the index; bytes of its files. `isCut`: there are more. */
export type Tree = { entries: Entry[]; bytes: number; isCut: boolean };

/** A directory with a language's runtime in its `bin` is the runtime, however it is called: `/opt/java/openjdk`, a virtualenv, a conda prefix. */
export function isRuntimeTree(children: Names, directory: string): boolean {
  const names = children.get(directory) ?? [];
  if (names.includes("pyvenv.cfg") || names.includes("conda-meta")) return true;
  return names.includes("bin") && (children.get(`${directory}/bin`) ?? []).some((name) => isLanguage(name));
}

const isLanguage = (name: string) =>
  isRuntime(name) && /^(node|python|pypy|ruby|java$|php|perl|erl$|dotnet|go$|R$|julia|deno|bun$)/.test(name);

function isPruned(children: Names, directory: string): boolean {
  const name = posix.basename(directory);
  const beside = children.get(posix.dirname(directory)) ?? [];
  if (pruned.has(name)) return true;
  if (name === "bundle") return posix.basename(posix.dirname(directory)) === "vendor";
  // What a build leaves behind: caches of compilers; an archive that runs from there is kept by itself.
  if (/\/\.next\/cache\/(?:webpack|swc|turbopack|babel-loader|eslint)$/.test(directory)) return true;
  if (name === "target") return beside.includes("pom.xml") || beside.includes("Cargo.toml");
  return isRuntimeTree(children, directory);
}

/**
 * The tree below a directory, without what is pruned, and with the trees that its symbolic links to directories lead to (not
 * system directories, 16 MiB in all). Links to files are entries of the tree: the walk follows them. Files over `maxFileBytes`
 * are passed over.
 */
export function treeOf(
  { rootfs, children }: Image,
  directory: string,
  maxBytes: number,
  maxFileBytes = Number.POSITIVE_INFINITY,
): Tree {
  const tree: Tree = { entries: [], bytes: 0, isCut: false };
  const passed = new Set<string>();
  const todo: { path: string; isLinked: boolean }[] = [{ path: directory, isLinked: false }];
  let linkedBytes = 0;
  for (let next = todo.pop(); next; next = todo.pop()) {
    if (passed.has(next.path)) continue;
    passed.add(next.path);
    const names = children.get(next.path) ?? [];
    const own = rootfs.get(next.path);
    if (own && names.length === 0) tree.entries.push(own);
    for (const name of names) {
      const path = next.path === "/" ? `/${name}` : `${next.path}/${name}`;
      const entry = rootfs.get(path);
      if (!entry) continue;
      if (entry.type === "directory") {
        if (!isPruned(children, path)) todo.push({ path, isLinked: next.isLinked });
        continue;
      }
      if (entry.type === "file" && entry.size > maxFileBytes) continue;
      tree.bytes += entry.type === "file" ? entry.size : 0;
      if (next.isLinked) linkedBytes += entry.size;
      if (tree.bytes > maxBytes || tree.entries.length >= maxEntries) return { ...tree, isCut: true };
      tree.entries.push(entry);
      const behind = entry.type === "symlink" ? resolvePath(rootfs, path) : undefined;
      if (behind && "path" in behind && behind.entry.type === "directory" && linkedBytes < maxLinkedBytes) {
        if (!isSystemDirectory(behind.path) && !isPruned(children, behind.path))
          todo.push({ path: behind.path, isLinked: true });
      }
    }
  }
  return tree;
}

/** How a file of the application is used: a script that may be started asks for its interpreter. */
export function useOf(entry: Entry): Wanted["use"] {
  if (entry.type === "directory") return "exist";
  return entry.type === "file" && (entry.mode & 0o111) !== 0 && !isForDevelopers(entry.path) ? "run" : "load";
}

/** Whether a symbolic link leads to a path of a kind. */
function leadsTo({ rootfs }: PackContext, { path, type }: Entry, is: (path: string) => boolean): boolean {
  const found = type === "symlink" ? resolvePath(rootfs, path) : undefined;
  return found !== undefined && "path" in found && is(found.path);
}

type Whole = { by: string; detail: string; kind?: "named" | "rule"; maxBytes: number; keys?: boolean };

/**
 * A directory kept whole; nothing when it is larger than `maxBytes`, because it is then something else than was thought.
 * @param keys also private keys, which otherwise do not come along
 */
export function wholeDirectory(
  context: PackContext,
  directory: string,
  { by, detail, kind, maxBytes, keys }: Whole,
): Wanted[] {
  const tree = treeOf(context, directory, maxBytes);
  if (tree.isCut) return [];
  const isLeft = keys === true ? isSystemSecret : isPrivateKey;
  const entries = tree.entries.filter((entry) => !isLeft(entry.path) && !leadsTo(context, entry, isLeft));
  return [
    byPack(kind ?? "rule", directory, by, detail, "exist"),
    ...entries.map((entry) => byPack(kind ?? "rule", entry.path, by, detail, useOf(entry))),
  ];
}

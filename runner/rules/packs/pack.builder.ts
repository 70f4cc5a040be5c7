import { childrenOf, type Entry, type Rootfs, resolvePath } from "../../rootfs.ts";
import { decodeBytes } from "../../sensor/byte-text.ts";
import { aRootfs, type Tree } from "../../stages/select.builder.ts";
import { walk } from "../walk.ts";
import type { Use, Wanted } from "../wanted.ts";
import type { Pack, PackContext } from "./pack.ts";

type Given = Partial<Omit<PackContext, "rootfs" | "children" | "isSeen" | "isApplication">> & {
  /** Paths that were read or executed. */
  seen?: readonly string[];
  /** Directories of the application. */
  application?: readonly string[];
  /** Changes entries of the tree. */
  entries?: Record<string, Partial<Pick<Entry, "uid" | "gid" | "mode" | "size" | "inode" | "links">>>;
};

/** For tests: what a pack knows of a tree. */
export function aPackContext(tree: Tree, given: Given = {}): PackContext {
  const { seen = [], application = [], entries = {}, ...rest } = given;
  const plain = aRootfs(tree);
  const rootfs: Rootfs = new Map([...plain].map(([path, entry]) => [path, { ...entry, ...entries[path] }]));
  const content: PackContext["content"] = (path, maxBytes = 4 << 20) => {
    const entry = rootfs.get(path);
    const what = tree[path];
    return entry?.type !== "file" || what === undefined || entry.size > maxBytes ? undefined : Buffer.from(what);
  };
  return {
    rootfs,
    children: childrenOf(rootfs),
    env: [],
    workdir: "/",
    commands: [],
    processes: [],
    isSeen: (path) => seen.includes(path),
    isApplication: (path) => application.some((directory) => path.startsWith(`${directory}/`)),
    content,
    text: (path, maxBytes) => {
      const bytes = content(path, maxBytes);
      return bytes && decodeBytes(bytes);
    },
    ...rest,
  };
}

/** For tests: what a pack keeps besides directories when `used` is loaded: paths in order of the alphabet. */
export function keptBy(pack: Pack, context: PackContext, used: readonly string[] = [], use: Use = "load"): string[] {
  const { rootfs } = context;
  const wanted = used.map((path): Wanted => {
    const found = resolvePath(rootfs, path);
    if ("missing" in found) throw new Error(`${path} is not in the tree`);
    return { path, reason: { kind: "observed", by: "default" }, use };
  });
  const { kept } = walk([...wanted, ...(pack.seeds?.(context) ?? [])], {
    rootfs,
    patterns: [],
    excludedBy: () => undefined,
    edges: (place, each) => pack.edges?.(place, each, context) ?? [],
  });
  const isAsked = (path: string) => kept.get(path)?.kind !== "observed" && kept.get(path)?.kind !== "parent";
  return [...kept.keys()].filter((path) => isAsked(path) && !used.includes(path)).sort();
}

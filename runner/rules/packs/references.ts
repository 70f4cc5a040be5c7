import { posix } from "node:path";
import { compileGlob, splitGlob } from "../../glob.ts";
import { type Rootfs, resolvePath } from "../../rootfs.ts";
import type { Wanted } from "../wanted.ts";
import { byPack, type PackContext } from "./pack.ts";
import { isSystemSecret } from "./system-paths.ts";

/** One pattern of a configuration stands for at most this many files. */
const maxMatches = 2000;
const maxDepth = 6;

type Image = { rootfs: Rootfs; children: ReadonlyMap<string, readonly string[]> };

/**
 * The files and directories that a configuration names with a path or pattern, as spelled by the names in the rootfs; `base` is
 * the directory of relative ones. Only the directories that the pattern goes through are looked at. The image wrote the pattern,
 * not our user: a wrong one is no fault of the request and names nothing.
 */
export function pathsOf(image: Image, spelled: string, base: string): string[] {
  const pattern = posix.resolve("/", base, spelled.trim().replace(/^["'](.*)["']$/, "$1"));
  if (pattern.includes("\0") || pattern.length > 2048) return [];
  if (!/[*?[]/.test(pattern)) return "path" in resolvePath(image.rootfs, pattern) ? [pattern] : [];
  // Braces and backslashes are the user's globs only; configurations know * ? and [set].
  const plain = pattern.replace(/[\\{},]/g, "\\$&").replace(/\*{2,}/g, "*");
  try {
    const matches = compileGlob(plain);
    const { literal, rest } = splitGlob(plain);
    return candidates(image, literal, rest.split("/").length).filter(matches).slice(0, maxMatches);
  } catch {
    return []; // see above
  }
}

/** Paths `depth` levels below a directory, spelled through it when it is a link. */
function candidates({ rootfs, children }: Image, directory: string, depth: number): string[] {
  let at = [directory];
  for (let level = 0; level < Math.min(depth, maxDepth); level++) {
    const next: string[] = [];
    for (const spelled of at) {
      const found = resolvePath(rootfs, spelled);
      const names = "path" in found ? (children.get(found.path) ?? []) : [];
      for (const name of names) next.push(spelled === "/" ? `/${name}` : `${spelled}/${name}`);
      if (next.length > maxMatches * 10) return [];
    }
    at = next;
  }
  return at.sort();
}

function realPath({ rootfs }: Pick<PackContext, "rootfs">, spelled: string): string {
  const found = resolvePath(rootfs, spelled);
  return "path" in found ? found.path : spelled;
}

export type Reference = {
  /** Path or pattern as written. */
  spelled: string;
  /** Two or three words for the report: `nginx include`. Configurations that are included are read again by this. */
  detail: string;
  use?: Wanted["use"];
  /** Directory of a relative path, when it is not the configuration's own. */
  base?: string;
  /** The server writes there: the directory above is kept, and what is there already. */
  isOutput?: boolean;
};

/** What a configuration refers to, as wanted. Names nothing that no rule may keep. */
export function refer(context: PackContext, by: string, references: readonly Reference[]): Wanted[] {
  return references.flatMap(({ spelled, detail, use, base, isOutput }) => {
    const from = base ?? posix.dirname(by);
    if (spelled === "" || spelled.includes("\0")) return [];
    if (isOutput === true) {
      const path = posix.resolve("/", from, spelled);
      return [path, posix.dirname(path)].map((each) => byPack("named", each, by, detail, "exist"));
    }
    return pathsOf(context, spelled, from)
      .filter((path) => !isSystemSecret(path) && !isSystemSecret(realPath(context, path)))
      .map((path) => byPack("named", path, by, detail, use ?? "load"));
  });
}

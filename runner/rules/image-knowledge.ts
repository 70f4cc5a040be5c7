import { posix } from "node:path";
import { type Rootfs, resolvePath } from "../rootfs.ts";
import { decodeBytes } from "../sensor/byte-text.ts";
import type { FileFacts } from "./file-facts.ts";
import { indexFiles } from "./index-files.ts";
import { confDirectories, parseLdSoCache, parseMuslPath, parsePreload } from "./ld-so-files.ts";
import type { ClosureInput } from "./libraries.ts";
import { nssLibraries } from "./nss.ts";
import { variable } from "./program.ts";
import type { Wanted } from "./wanted.ts";

/** What the index files of an image say. `wants`: those that must be read first; until then they count as absent. */
export type ImageKnowledge = { closure: ClosureInput; passwd: string | undefined; wants: string[] };

type Input = {
  rootfs: Rootfs;
  facts: ReadonlyMap<string, FileFacts>;
  config: { env: readonly string[]; workdir: string };
  seen: readonly Wanted[];
};

export function imageKnowledge({ rootfs, facts, config, seen }: Input): ImageKnowledge {
  const wants: string[] = [];
  const contents = new Map<string, Buffer>();
  for (const spelled of indexFiles(rootfs)) {
    const found = resolvePath(rootfs, spelled);
    if ("missing" in found || found.entry.type !== "file") continue;
    const known = facts.get(found.path);
    if (!known) wants.push(found.path);
    else if (known.content) contents.set(spelled, known.content);
  }
  const text = (path: string) => decodeBytes(contents.get(path) ?? Buffer.alloc(0));
  const cache = contents.get("/etc/ld.so.cache");
  const texts = new Map([...contents.keys()].filter(isText).map((path) => [path, text(path)]));
  const musl = [...contents.keys()].find((path) => posix.basename(path).startsWith("ld-musl-"));
  const nsswitch = resolvePath(rootfs, "/etc/nsswitch.conf");
  const nsswitchSeen = "path" in nsswitch && seen.some(({ path, use }) => path === nsswitch.path && use === "load");
  const hasMusl = ["/lib", "/usr/lib"].some((directory) =>
    muslLoaders.some((name) => rootfs.has(`${directory}/${name}`)),
  );
  return {
    wants,
    passwd: texts.get("/etc/passwd"),
    closure: {
      rootfs,
      factsOf: (path) => {
        const known = facts.get(path);
        return known && (known.elf ?? null);
      },
      libraryPath: variable(config.env, "LD_LIBRARY_PATH") ?? "",
      workdir: posix.resolve("/", config.workdir),
      cache: cache && parseLdSoCache(cache),
      confDirectories: confDirectories(texts),
      muslPath: musl === undefined ? undefined : parseMuslPath(text(musl)),
      seen: seenNames(rootfs, seen),
      libc: hasMusl && !contents.has("/etc/ld.so.cache") ? "musl" : "glibc",
      preload: parsePreload(text("/etc/ld.so.preload")),
      nss: nsswitchSeen ? nssLibraries(text("/etc/nsswitch.conf")) : [],
    },
  };
}

const isText = (path: string) => path !== "/etc/ld.so.cache";

const muslLoaders = ["x86_64", "aarch64", "armhf", "i386", "riscv64", "s390x", "powerpc64le"].map(
  (arch) => `ld-musl-${arch}.so.1`,
);

/** Files that were read or executed, by real path, with the names of the seen links that lead to them. */
function seenNames(rootfs: Rootfs, seen: readonly Wanted[]): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const wanted of seen) if (wanted.use !== "exist") names.set(wanted.path, []);
  for (const wanted of seen) {
    if (rootfs.get(wanted.path)?.type !== "symlink") continue;
    const found = resolvePath(rootfs, wanted.path);
    if ("path" in found) names.get(found.path)?.push(posix.basename(wanted.path));
  }
  return names;
}

import { resolvePath } from "../../rootfs.ts";
import type { Wanted } from "../wanted.ts";
import { entriesBelow, oncePerWave } from "./image-tree.ts";
import { type Manifest, manifestOf, type NodePackage } from "./node-resolve.ts";
import { byPack, type PackContext } from "./pack.ts";

/** Only at the top of a package: `yaml/dist/doc` is code. */
const prunedAtTop =
  /^(?:tests?|specs?|docs?|examples?|samples?|demos?|bench|benchmarks?|coverage|man|website|perf|\.github|\.vscode|\.idea)$/i;
const prunedAnywhere = /^(?:node_modules|__tests__|__mocks__|\.git|\.nyc_output|\.circleci|obj\.target|\.deps)$/;
const prunedFiles =
  /\.(?:md|markdown|map|ts|mts|cts|tsx|flow|tsbuildinfo|c|cc|cpp|cxx|h|hh|hpp|gyp|gypi|mk|o|a|obj|lib|pdb)$|\.(?:test|spec)\.[cm]?js$/i;

/** Links out of a package that are followed to directories; packaged modules have a handful. */
const maxLinkedDirectories = 50;

/**
 * The files of a package without what only its developers use: documents, source maps, types, native sources, tests, builds
 * for other platforms. Whatever its package.json names as an entry stays, and so does a directory of which a file was used.
 * Packages inside its `node_modules` are not part of it.
 */
export function packageFiles(
  context: PackContext,
  { spelled, path }: NodePackage,
  by: string,
  detail: string,
): Wanted[] {
  const manifest = manifestOf(context, path);
  const found: Wanted[] = spelled === path ? [] : [byPack("unit", spelled, by, detail, "exist")];
  const todo = [path];
  for (const directory of todo) {
    // `todo` grows as we walk it
    const accept = accepting(context, directory, manifest);
    for (const each of entriesBelow(context, directory, accept)) {
      const entry = context.rootfs.get(each);
      if (entry?.type === "symlink") {
        found.push(byPack("unit", each, by, detail, "exist"));
        const target = linkedDirectory(context, each);
        if (target && todo.length < maxLinkedDirectories && !todo.some((known) => isWithin(target, known)))
          todo.push(target);
      } else if (entry?.type === "file") {
        const isLoaded = /\.node$|\.so(?:\.[\d.]+)?$|^[^.]+$/.test(each.slice(each.lastIndexOf("/") + 1));
        const isBinary = isLoaded && (each.includes(".") || (entry.mode & 0o111) !== 0);
        found.push(byPack("unit", each, by, detail, isBinary ? "load" : "exist"));
      }
    }
  }
  return found;
}

/** A link of a packaged module leads to another directory of modules or of web assets; other directories are nobody's part. */
function linkedDirectory({ rootfs }: PackContext, link: string): string | undefined {
  const found = resolvePath(rootfs, link);
  const isPart =
    "path" in found &&
    found.entry.type === "directory" &&
    /^\/usr\/(?:share|lib)\/.+\/|\/node_modules\//.test(found.path);
  return isPart ? found.path : undefined;
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

function accepting(context: PackContext, directory: string, manifest: Manifest | undefined): (path: string) => boolean {
  const entries = new Set((manifest?.entries ?? []).map((entry) => entry.replace(/^\.?\//, "")));
  const entryTops = new Set([...entries].filter((entry) => entry.includes("/")).map((entry) => entry.split("/")[0]));
  const runsTypes = manifest?.name === "typescript" || [...entries].some((entry) => /(?<!\.d)\.[cm]?tsx?$/.test(entry));
  const isForeign = foreign(context);
  return (path) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const inside = path.slice(directory.length + 1);
    if (context.rootfs.get(path)?.type === "directory") {
      if (prunedAnywhere.test(name)) return false;
      if (inside === name && prunedAtTop.test(name)) return entryTops.has(name) || hasSeen(context, path);
      return !(/(?:^|\/)prebuilds\/[^/]+$/.test(inside) && isForeign(name));
    }
    if (entries.has(inside) || context.isSeen(path)) return true;
    if (prunedFiles.test(name)) return runsTypes && /\.[cm]?tsx?$/.test(name);
    return !(name.endsWith(".node") && isForeign(name));
  };
}

/** Whether anything in a directory was used; looks at 2,000 entries. */
function hasSeen(context: PackContext, directory: string): boolean {
  let left = 2000;
  return entriesBelow(context, directory, () => left-- > 0).some((path) => context.isSeen(path));
}

const architectures: Readonly<Record<string, string>> = {
  "x86-64": "x64",
  x86_64: "x64",
  aarch64: "arm64",
  armhf: "arm",
  ppc64le: "ppc64",
  s390x: "s390x",
  i386: "ia32",
  riscv64: "riscv64",
};

const systems = new Set([
  "darwin",
  "win32",
  "windows",
  "freebsd",
  "openbsd",
  "netbsd",
  "sunos",
  "aix",
  "android",
  "electron",
]);
const machines = new Set(["x64", "arm64", "arm", "ia32", "ppc64", "s390x", "riscv64", "loong64", "mips64el"]);

/**
 * Whether the name of a prebuilt binary, of its directory or package says that it is for another system, machine or C library
 * than the image's; false when the name says nothing or the image has no dynamic loader to tell by.
 */
export const foreign: (context: PackContext) => (name: string) => boolean = oncePerWave(({ children }) => {
  const directories = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
  ];
  const names = directories.flatMap((directory) => children.get(directory) ?? []);
  const loaders = names.map((name) => /^ld-(linux|musl)-([\w-]+)\.so/.exec(name)).filter((match) => match !== null);
  const ours = new Set(loaders.map((match) => architectures[match[2] ?? ""]));
  const isMusl = loaders.some((match) => match[1] === "musl");
  const isGlibc = loaders.some((match) => match[1] === "linux");
  return (name) => {
    const words = name.toLowerCase().split(/[-.+_/@]/);
    if (words.some((word) => systems.has(word))) return true;
    const named = words.filter((word) => machines.has(word));
    if (ours.size > 0 && named.length > 0 && !named.some((word) => ours.has(word))) return true;
    const forMusl = words.some((word) => word === "musl" || word === "linuxmusl");
    const forGlibc = words.some((word) => word === "glibc" || word === "gnu");
    return (forMusl && isGlibc && !isMusl) || (forGlibc && isMusl && !isGlibc);
  };
});

import { posix } from "node:path";
import { type ApplicationPart, namedDirectories } from "./application-names.ts";
import { type EntryPoint, entryPoints, namedAt } from "./entry-points.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { isRuntime, isSystemDirectory, isSystemFile, isSystemSecret } from "./system-paths.ts";
import { isRuntimeTree, type Tree, treeOf, useOf } from "./tree.ts";

export type { ApplicationPart } from "./application-names.ts";

/** An application's directory is kept whole up to this size; of a larger one the small files, and what was seen. */
const maxApplicationBytes = 256 << 20;
const smallBytes = 1 << 20;

/** A file that says that here an application's (or a package's) own tree begins. */
const manifests =
  /^(package\.json|pyproject\.toml|setup\.py|requirements\.txt|Pipfile|manage\.py|Gemfile|config\.ru|composer\.json|artisan|pom\.xml|build\.gradle(\.kts)?|Cargo\.toml|go\.mod|mix\.exs|rebar\.config|WEB-INF|deno\.json|Procfile)$/;

const codeFile =
  /\.(m?js|cjs|ts|mts|cts|jsx|tsx|py|pyz|pyc|rb|ru|php|phar|pl|psgi|jar|war|ear|lua|dll|exs?|sh|bash|R|jl|tcl|beam|wsgi)$/i;

/**
 * Where the application of an image is, and why: its WORKDIR; the directory of the script, archive or binary that its commands
 * lead to; directories that the command line, the environment, entry scripts or the application's configuration name. None of
 * them is a system directory. A script or binary that lies in one is a part by itself: then `path` is a file.
 */
export const applicationDirectories: (context: PackContext) => ApplicationPart[] = oncePerWave((context) => {
  const parts = new Map<string, ApplicationPart>();
  const add = (path: string, reason: string, isNamed = false) => {
    if (!parts.has(path)) parts.set(path, { path, reason, isNamed });
  };
  const workdir = namedAt(context, context.workdir, "/");
  if (workdir !== undefined && isDirectory(context, workdir)) {
    if (!isSystemDirectory(workdir) && !isRuntimeTree(context.children, workdir)) add(workdir, "workdir");
  }
  const points = entryPoints(context);
  for (const point of points) {
    for (const { path, reason } of entryFiles(context, point)) {
      const directory = rootOf(context, isDirectory(context, path) ? path : posix.dirname(path));
      if (directory !== undefined) add(directory, reason);
      else if (!isDirectory(context, path)) add(path, reason);
    }
  }
  for (const { path, reason } of namedDirectories(context, points, [...parts.values()])) add(path, reason, true);
  return [...parts.values()];
});

/** Tells the application's own files, by real path: those of its directories, without what packages and caches are in them. */
export function applicationTest(context: PackContext): (path: string) => boolean {
  const parts = new Set(applicationDirectories(context).map(({ path }) => path));
  const known = new Map<string, boolean>();
  const isInside = (directory: string): boolean => {
    const before = known.get(directory);
    if (before !== undefined) return before;
    const isPart = parts.has(directory) && isDirectory(context, directory);
    const answer = isPart || (directory !== "/" && !isForeign(directory) && isInside(posix.dirname(directory)));
    known.set(directory, answer);
    return answer;
  };
  return (path) => parts.has(path) || isInside(posix.dirname(path));
}

/** Directories of packages inside of an application: their files are not its own. */
const isForeign = (directory: string) =>
  /\/(node_modules|bower_components|site-packages|dist-packages|vendor\/bundle|\.git|\.svn|\.hg)$/.test(directory);

/** What a command line starts and lies outside of the system: the program itself, or the script that a runtime is given. */
function entryFiles(
  context: PackContext,
  { start, program, isScript }: EntryPoint,
): { path: string; reason: string }[] {
  const found: { path: string; reason: string }[] = [];
  const runs = program !== undefined && isRuntime(program);
  // A binary in /usr/local/bin or in / was put there by the author of the image; one in /usr/bin came with a package.
  if (program !== undefined && !runs && (isScript || !/^(\/usr)?\/(s?bin|lib\w*|libexec|share)\//.test(program)))
    found.push({ path: program, reason: isScript ? "entry script" : "entry program" });
  const { words, directory } = start;
  for (const [at, word] of words.slice(1).entries()) {
    const value = word.replace(/^--?[\w-]+=/, "");
    const before = words[at] ?? "";
    if (runs && before === "-m") found.push(...moduleFiles(context, word, directory));
    const isArchivePath = /^(-cp|-classpath|--class-path|-p|--module-path)$/.test(before);
    for (const each of isArchivePath ? value.split(":") : [value]) {
      const path = namedAt(context, each.replace(/\/\*$/, ""), directory);
      if (path === undefined) continue;
      const isCode = codeFile.test(path) && !isDirectory(context, path);
      const isFirst = runs && !word.startsWith("-") && words.slice(1, at + 1).every((other) => other.startsWith("-"));
      if (isCode || isFirst || isArchivePath) found.push({ path, reason: "entry script" });
    }
  }
  return found.filter(
    ({ path }) => !/\/(node_modules|site-packages|dist-packages)\//.test(path) && isOurs(context, path),
  );
}

/** In a system directory only a file that stands by itself; a directory there, and a file of a language's library, never. */
function isOurs(context: PackContext, path: string): boolean {
  if (isDirectory(context, path)) return !isSystemDirectory(path);
  return (
    !isSystemFile(path) ||
    /^\/([^/]+|(usr\/local\/|usr\/)?s?bin\/[^/]+|(opt|srv|home|mnt|etc|tmp|usr\/src)\/[^/]+)$/.test(path)
  );
}

/** `python -m pkg` from this directory. */
function moduleFiles(context: PackContext, module: string, directory: string): { path: string; reason: string }[] {
  const stem = module.replaceAll(".", "/");
  const paths = [`${stem}.py`, stem].map((each) => namedAt(context, each, directory));
  return paths.flatMap((path) => (path === undefined ? [] : [{ path, reason: "entry module" }]));
}

/**
 * The application's tree that a directory belongs to: the nearest one above with a manifest, and from `NAME/bin` at least
 * NAME. Undefined when only system directories are there, or the tree of a language's runtime.
 */
function rootOf(context: PackContext, directory: string): string | undefined {
  if (isSystemDirectory(directory)) return undefined;
  let root = directory;
  if (/^(s?bin|target|release|dist|build)$/.test(posix.basename(root)) && !isSystemDirectory(posix.dirname(root)))
    root = posix.dirname(root);
  for (let at = root; !isSystemDirectory(at); at = posix.dirname(at)) {
    if (isRuntimeTree(context.children, at)) return undefined;
    if ((context.children.get(at) ?? []).some((name) => manifests.test(name))) return at;
  }
  return root;
}

const isDirectory = ({ rootfs }: PackContext, path: string) => rootfs.get(path)?.type === "directory";

/** An application's part with its size, for the report. `isCut`: too large to be kept whole. */
export type ApplicationTree = ApplicationPart & { tree: Tree };

export function applicationTrees(context: PackContext): ApplicationTree[] {
  return applicationDirectories(context).map((part) => {
    const tree = treeOf(context, part.path, maxApplicationBytes);
    if (!tree.isCut) return { ...part, tree };
    return { ...part, tree: { ...treeOf(context, part.path, maxApplicationBytes, smallBytes), isCut: true } };
  });
}

/**
 * The application's own files, whole: templates, static files and lazily loaded modules lie there, and no observation sees
 * them all. Its packages (`node_modules`, `site-packages`, bundled gems), history and caches are left to other rules.
 */
export const application: Pack = {
  name: "application",
  seeds: (context) =>
    applicationTrees(context).flatMap(({ path, reason, tree }) => [
      byPack("rule", path, "application", reason, "exist"),
      ...tree.entries
        .filter((entry) => !isSystemSecret(entry.path))
        .map((entry) => byPack("rule", entry.path, "application", reason, useOf(entry))),
    ]),
};

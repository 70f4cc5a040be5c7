import { posix } from "node:path";
import { type Rootfs, resolvePath } from "../../rootfs.ts";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { oncePerWave } from "./image-tree.ts";
import { filesOf, installedPackages, ownersOf, siblingsOf } from "./installed.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import type { Package } from "./package-record.ts";
import { pruneClass } from "./prune-class.ts";

/**
 * Programs that run other programs. What they need beyond what was observed is told by those, and by the packs of their
 * languages; their own packages are whole standard libraries.
 */
const carriers =
  /^(?:python[\d.]*|perl[\d.]*|ruby[\d.]*|php[\d.]*|node|nodejs|java|jspawnhelper|beam\.smp|erl\w*|inet_gethost|heart|epmd|escript|lua[\d.]*|tclsh[\d.]*|guile|Rscript|R|[bd]?ash|sh|zsh|ksh|mksh|busybox|env|sudo|su|gosu|su-exec|setpriv|tini|tini-static|dumb-init|catatonit|s6-\w+|runsv\w*|supervisord|npm|yarn|make|wget|curl|ldd|ldconfig)$/;

/** Packages that every image of their distribution holds; of dpkg the priority says it. */
const baseOfOthers =
  /^(?:busybox(?:-.*)?|musl(?:-.*)?|apk-tools|alpine-.*|bash|coreutils.*|util-linux.*|glibc.*|systemd.*|filesystem|setup|grep|sed|gawk|findutils|tar|gzip|xz|which|procps.*|shadow.*|hostname|ncurses.*|openssl|ca-certificates.*|scanelf|ssl_client|microdnf|dnf.*|yum.*|rpm.*|tzdata|libc-utils|sudo|gettext.*)$/;

/** Sections of dpkg whose packages hold no program that is worth its package. */
const otherSections = /^(?:doc|libdevel|debug|fonts|localization|translations|oldlibs|kernel|metapackages|shells)$/;

/** A further program of the package that is larger is another product (a second server, a shell of a database). */
const smallBytes = 1 << 20;

/**
 * Programs of a server's package that nobody runs where the server serves: they measure it, test it, or take it once from one
 * version to the next. What users run beside a server (shells, dumps, copies) is not among them.
 */
const besides =
  /(?:bench|benchmark|slap)$|^(?:pg_(?:upgrade|waldump|amcheck|verifybackup|test_fsync|test_timing|recvlogical|receivewal)|oid2name|mysql_client_test|mariadb-client-test|mysqltest|mariadb-test)(?:_?embedded)?$/;

/** All that one main package adds; when it holds more, its small files go first. */
const maxBytes = 64 << 20;

/** What a package adds to editors. */
const forEditors =
  /^\/usr\/share\/(?:vim\/(?:addons|registry|vimfiles)|emacs\/site-lisp|nano|nvim|gtksourceview-[\d.]+)\//;

/** What is pruned of a main package. Headers and static libraries are the product of a compiler. */
const pruned = new Set(["doc", "man", "locale", "gconv", "zoneinfo", "test", "cache", "source-map", "host"]);

/**
 * **Main package**: the package of a program that ran, with the packages of the same source that it depends on (`-common`,
 * `-data`, modules), pruned. The product of an image is often a distribution package, whose templates, plug-ins and sub-commands
 * no first request opens. Whole packages of *every* touched file were measured and are not worth their size (see
 * `owningPackages` for those who want them).
 */
export const mainPackage: Pack = {
  name: "main package",
  seeds: (context) => mainPackages(context).flatMap(({ each, program }) => filesWanted(each, program, context)),
};

/** Main packages and the program that ran of each. */
export const mainPackages = oncePerWave((context): { each: Package; program: string }[] => {
  const all = installedPackages(context);
  const candidates = all.filter(isCandidate);
  const programs = new Set(ranPrograms(context));
  const found = new Map<Package, string>();
  for (const [program, owner] of ownersOf(context, programs, candidates))
    if (!found.has(owner)) found.set(owner, program);
  for (const [owner, program] of [...found])
    for (const sibling of siblingsOf(owner, all)) if (!found.has(sibling)) found.set(sibling, program);
  return [...found].map(([each, program]) => ({ each, program }));
});

/**
 * Modules that only a setting brings in, and that the rules for that setting keep; PostgreSQL does without its JIT compiler. Of
 * its conversions `databases` decides.
 */
const isSwitchedOn =
  /\/(?:apache2|httpd)\/modules\/[^/]+\.so$|\/postgresql\/(?:.+\/)?(?:llvmjit[^/]*|bitcode\/.+|(?:utf8_and_|euc)\w+\.so)$/;

function isCandidate({ system, name, priority, isEssential, section }: Package): boolean {
  if (system !== "dpkg") return !baseOfOthers.test(name);
  return !isEssential && /^(?:optional|extra|)$/.test(priority) && !otherSections.test(section);
}

/** What ran, without the programs that only carry others: of those the script that they were given. Real paths. */
function ranPrograms(context: PackContext): string[] {
  return context.processes.flatMap(({ exe, argv }) => {
    if (context.isApplication(exe)) return [];
    if (!carriers.test(posix.basename(exe))) return [exe];
    const script = argv.slice(1, 8).find((word) => word !== "" && !word.startsWith("-"));
    const found =
      script === undefined ? undefined : programFile(context.rootfs, posix.resolve(context.workdir, script));
    // Some carriers are started by a shell script: R, erl.
    const isProduct = found !== undefined && !carriers.test(posix.basename(found)) && !context.isApplication(found);
    return isProduct ? [found] : [];
  });
}

function programFile(rootfs: Rootfs, path: string): string | undefined {
  const found = resolvePath(rootfs, path);
  return "path" in found && found.entry.type === "file" && (found.entry.mode & 0o111) !== 0 ? found.path : undefined;
}

function filesWanted(each: Package, program: string, context: PackContext): Wanted[] {
  const { rootfs } = context;
  const isCompiler = each.section === "devel" || each.section === "gnu-r";
  const isWanted = (path: string) => {
    const entry = rootfs.get(path);
    if (!entry) return false;
    if (isSwitchedOn.test(path) || forEditors.test(path)) return false;
    const part = pruneClass(path);
    if (part === "locale") return isUsedLocale(path, context.env);
    if (part !== undefined && (pruned.has(part) || !isCompiler)) return false;
    // A directory comes with what is in it; an empty one is part of the product (drop-ins, plug-ins).
    if (entry.type === "directory") return (context.children.get(path) ?? []).length === 0;
    return context.listens === false || !isOtherProgram(path, entry, program);
  };
  const paths = filesOf(context, each).filter(isWanted);
  return smallestFirst(new Set(paths), rootfs).map((path) =>
    byPack("unit", path, program, `package ${each.name}`, isProgram(path) ? "run" : "load"),
  );
}

function smallestFirst(paths: ReadonlySet<string>, rootfs: Rootfs): string[] {
  const sized = [...paths]
    .map((path) => ({ path, bytes: rootfs.get(path)?.size ?? 0 }))
    .sort((a, b) => a.bytes - b.bytes);
  const kept: string[] = [];
  let sum = 0;
  for (const { path, bytes } of sized) {
    sum += bytes;
    if (sum > maxBytes) break;
    kept.push(path);
  }
  return kept;
}

const isProgram = (path: string) => /^(?:\/usr(?:\/local)?)?\/s?bin\/[^/]+$/.test(path);

function isOtherProgram(path: string, entry: { type: string; mode: number; size: number }, program: string): boolean {
  return (
    entry.type === "file" &&
    (entry.mode & 0o111) !== 0 &&
    (entry.size >= smallBytes || besides.test(posix.basename(path))) &&
    !/\.so(?:\.|$)/.test(path) &&
    path !== program
  );
}

/** Message catalogues of the languages that ENV names; English ones are what programs print without. */
export function isUsedLocale(path: string, env: readonly string[]): boolean {
  const language = /\/locale\/([^/]+)/.exec(path)?.[1]?.replace(/[_.@].*/s, "");
  const values = ["LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"].flatMap((name) =>
    (variable(env, name) ?? "").split(":"),
  );
  return language !== undefined && values.some((value) => value.replace(/[_.@].*/s, "") === language);
}

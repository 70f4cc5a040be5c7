import { posix } from "node:path";
import { variable } from "../program.ts";
import { fileAt, perPath } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { scanPerl } from "./perl-source.ts";

/** Directories of modules as distributions and perl's own installation have them. */
const directories =
  /^(?:\/usr|\/usr\/local|\/opt\/[^/]+)?(?:\/lib|\/lib64|\/share)(?:\/[^/]+-linux[^/]*)?\/(?:perl5?|perl-base|site_perl)(?:\/(?:site_perl|vendor_perl|core_perl))?(?:\/5[\d.]*)?(?:\/[^/]*-linux[^/]*)?$|^\/etc\/perl$|\/lib\/perl5(?:\/[^/]*-linux[^/]*)?$/;

/** The standard library; the rest belongs to somebody who installed it. */
const core =
  /^\/usr\/(?:lib|share)(?:\/[^/]+-linux[^/]*)?\/perl(?:-base|\/5[^/]*)(?:\/|$)|\/core_perl\/|^\/usr\/local\/lib\/perl5\/5[^/]*\//;

export const isCore = (path: string): boolean => core.test(path);

/** Where modules are looked for, as perl spells it, in its order: told, local, vendor's, base, standard. */
export const searchPath = oncePerWave((context): string[] => {
  const installed = [...context.children.keys()].filter((directory) => directories.test(directory));
  const rank = (path: string) =>
    path === "/etc/perl" || path.startsWith("/usr/local/")
      ? 0
      : isCore(`${path}/`)
        ? path.endsWith("-base")
          ? 2
          : 3
        : 1;
  const sorted = installed.sort((a, b) => rank(a) - rank(b));
  return [...new Set([...told(context), ...sorted.map((path) => byLink(path, context))])];
});

/** Debian's perl goes through a link: `5.36` for `5.36.0`. */
function byLink(directory: string, { rootfs, children }: PackContext): string {
  const parent = posix.dirname(directory);
  const name = posix.basename(directory);
  if (!/^5\.\d/.test(name)) return directory;
  const link = (children.get(parent) ?? []).find((each) => rootfs.get(`${parent}/${each}`)?.target === name);
  return link === undefined ? directory : `${parent}/${link}`;
}

/** PERL5LIB, `-I`, and `lib` beside the scripts that perl was given, with their `use lib`. */
function told(context: PackContext): string[] {
  const absolute = (path: string) => posix.resolve("/", context.workdir, path);
  const found = (variable(context.env, "PERL5LIB") ?? "").split(":").filter(Boolean).map(absolute);
  for (const argv of [...context.processes.map(({ argv }) => argv), ...context.commands]) {
    argv.forEach((word, at) => {
      if (word.startsWith("-I")) found.push(absolute(word.slice(2) || (argv[at + 1] ?? "")));
    });
  }
  for (const script of scripts(context)) {
    for (const { kind, name } of scanPerl(context.text(script) ?? ""))
      if (kind === "lib") found.push(libraryOf(name, script, context));
  }
  found.push(absolute("lib"), absolute("local/lib/perl5"));
  return found.filter((path) => path !== "/");
}

/** `$FindBin::Bin/../lib` and its like begin at the script; plain paths at the working directory. */
function libraryOf(name: string, script: string, context: PackContext): string {
  const fromScript = /^\$(?:\{?FindBin::(?:Real)?Bin\}?|\w+)\/(.*)/s.exec(name)?.[1];
  return fromScript === undefined
    ? posix.resolve("/", context.workdir, name)
    : posix.resolve(posix.dirname(script), fromScript);
}

/** The scripts that perl ran, by real path. */
export const scripts = oncePerWave((context): ReadonlySet<string> => {
  const found = new Set<string>();
  for (const { exe, argv } of context.processes) {
    if (!/^perl[\d.]*$/.test(posix.basename(exe))) continue;
    for (const word of argv.slice(1)) {
      const file = /^[-+]|\0/.test(word) ? undefined : fileAt(context, posix.resolve("/", context.workdir, word));
      if (file !== undefined && (context.isSeen(file) || context.isApplication(file))) found.add(file);
    }
  }
  return found;
});

/** The first file on the search path of a relative name (`Foo/Bar.pm`), as perl spells it. */
export const onPath = perPath((name, context): string | undefined => {
  const found = searchPath(context)
    .map((directory) => `${directory}/${name}`)
    .filter((path) => fileAt(context, path) !== undefined);
  return found.find((path) => context.isSeen(fileAt(context, path) ?? "")) ?? found[0];
});

/** `Foo::Bar` as a file of the search path. */
export const moduleFile = (name: string, context: PackContext) => onPath(`${name.replaceAll("::", "/")}.pm`, context);

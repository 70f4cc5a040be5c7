import { posix } from "node:path";
import { seenConfiguration } from "./configuration-directory.ts";
import { type EntryPoint, namedAt } from "./entry-points.ts";
import type { PackContext } from "./pack.ts";
import { pathsIn } from "./path-text.ts";
import { isForDevelopers, isListing, isRuntime, isSystemDirectory } from "./system-paths.ts";
import { isRuntimeTree, treeOf } from "./tree.ts";

/** A directory of the application, or a file of it that lies in a system directory. `isNamed`: something only names it. */
export type ApplicationPart = { path: string; reason: string; isNamed: boolean };

/** A directory that is only named is kept whole up to this size. */
export const maxNamedBytes = 60 << 20;

const maxConfigFiles = 200;
const maxConfigBytes = 256 << 10;
const maxNamed = 100;

const configFile =
  /(\.(ya?ml|json|toml|ini|conf|cfg|cnf|properties|xml|config|hcl|env|edn)|\/\.env[\w.]*|\/Caddyfile)$/;

/** Variables that tell where tools and caches are, not what the application works on. */
const toolVariables =
  /^(PATH|.*_PATH|MANPATH|INFOPATH|HOME|PWD|OLDPWD|TMPDIR|TEMP|TMP|SHELL|JAVA_HOME|JDK_HOME|JRE_HOME|GEM_HOME|GOROOT|GOPATH|CARGO_HOME|RUSTUP_HOME|NVM_DIR|PYENV_ROOT|RBENV_ROOT|VIRTUAL_ENV|CONDA_.*|MAMBA_.*|npm_.*|NPM_.*|YARN_.*|PNPM_.*|BUNDLE_.*|PIP_.*|POETRY_.*|UV_.*|.*CACHE.*|LD_.*|.*LOG.*|.*TMP.*|ANDROID_.*|MAVEN_HOME|GRADLE_HOME)$/;

/** PYTHONPATH and its like do name the application. */
const codeVariables = /^(PYTHONPATH|RUBYLIB|PERL5LIB|NODE_PATH|CLASSPATH|LUA_PATH)$/;

/**
 * Directories that the command line, ENV, the entry scripts or the configuration of the application name, when they are not the
 * system's and not too large: where single binaries, servlet containers and repositories have their data.
 */
export function namedDirectories(
  context: PackContext,
  points: readonly EntryPoint[],
  parts: readonly ApplicationPart[],
): { path: string; reason: string }[] {
  const known = new Set(parts.map(({ path }) => path));
  const found = new Map<string, string>();
  const add = (spelled: string, reason: string, from = "/") => {
    const path = namedAt(context, spelled, from);
    if (path === undefined || found.has(path) || found.size >= maxNamed || isSystemDirectory(path)) return;
    if (context.rootfs.get(path)?.type !== "directory" || isIn(path, known)) return;
    if (/\/(node_modules|site-packages|dist-packages)(\/|$)/.test(path) || isRuntimeTree(context.children, path))
      return;
    if (!treeOf(context, path, maxNamedBytes).isCut) found.set(path, reason);
  };
  for (const { start } of points)
    if (!isSearch(start.words[0] ?? ""))
      for (const word of start.words.slice(1))
        for (const each of pathWords(word)) add(each, "named in a command", start.directory);
  for (const assignment of context.env) {
    const equals = assignment.indexOf("=");
    const name = assignment.slice(0, equals);
    if (toolVariables.test(name) && !codeVariables.test(name)) continue;
    for (const each of pathWords(assignment.slice(equals + 1)))
      if (each.startsWith("/")) add(each, "named in the environment");
  }
  const scripts = points.flatMap(({ program, isScript }) => (isScript && program !== undefined ? [program] : []));
  for (const path of new Set([...scripts, ...seenConfiguration(context), ...ownConfiguration(context, parts)])) {
    const text = isListing(path) ? undefined : context.text(path, maxConfigBytes);
    for (const named of text === undefined ? [] : pathsIn(text)) add(named.path, `named in ${path}`);
  }
  return [...found].map(([path, reason]) => ({ path, reason }));
}

/** Commands whose arguments are what they search, change or remove, before the application starts. */
const isSearch = (program: string) =>
  /^(find|ls|rm|chown|chmod|chgrp|mkdir|rmdir|mv|test|\[|echo|printf|du|df|stat|touch|install|mount|grep|tar|cd|pushd)$/.test(
    posix.basename(program),
  ) ||
  (isRuntime(program) && /^(apt|pip|npm)/.test(program));

/** `--root=/a:/b` names /a and /b; a plain word names itself. */
function pathWords(word: string): string[] {
  if (word.length > 4096) return [];
  const value = word.replace(/^-{1,2}[\w.-]+[=:]/, "").replace(/^-[A-Z](?=\/)/, "");
  return value.split(/[:;,]/).filter((each) => each !== "" && !each.startsWith("-") && each !== "." && each !== "/");
}

function isIn(path: string, known: ReadonlySet<string>): boolean {
  for (let at = path; at !== "/"; at = posix.dirname(at)) if (known.has(at)) return true;
  return false;
}

/** The configuration files in the application's own directories. */
function ownConfiguration(context: PackContext, parts: readonly ApplicationPart[]): string[] {
  return parts
    .flatMap(({ path }) => treeOf(context, path, Number.POSITIVE_INFINITY).entries)
    .filter(({ path, type, size }) => type === "file" && size <= maxConfigBytes && configFile.test(path))
    .map(({ path }) => path)
    .filter((path) => !isForDevelopers(path) && !isListing(path))
    .slice(0, maxConfigFiles);
}

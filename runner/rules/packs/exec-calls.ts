import { posix } from "node:path";
import { resolvePath } from "../../rootfs.ts";
import { findProgram } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { classStrings } from "./class-strings.ts";
import { type Start, startsOfScript } from "./command-line.ts";
import { classesOf } from "./java-archive.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { startWanted } from "./shell.ts";
import { isForDevelopers, isListing, isSystemDirectory } from "./system-paths.ts";

const maxBytes = 1 << 20;
const maxArchiveBytes = 48 << 20;
const maxCalls = 500;

const isCompiledJava = /\.(jar|war|class)$/;

const code =
  /\.(py|rb|rake|ru|erb|js|mjs|cjs|ts|mts|cts|php|phtml|inc|pl|pm|cgi|psgi|lua|tcl|ex|exs|erl|groovy|R|jl|java|kt|scala|clj)$/i;
const config = /(\.(ya?ml|json|toml|ini|conf|cfg|cnf|properties|config|xml)|\/\.env[\w.]*)$/i;

// The first literal behind the call's parenthesis, also as the first member of a list. Lengths are bounded, so it is linear.
const call =
  /\b(system|popen[23]?|Popen|passthru|shell_exec|proc_open|pcntl_exec|exec|execl|execlp|execv|execvp|execFile|execFileSync|execSync|execa|execaSync|spawn|spawnSync|spawnlp|check_output|check_call|call|run|getoutput|getstatusoutput|create_subprocess_exec|create_subprocess_shell|capture2e?|capture3|popen2e|pipeline|ProcessBuilder|Command|which|find_executable|commandExists|System\.cmd|os:cmd|open_port)[ \t]{0,4}\)?[( ][ \t\r\n]{0,40}(?:(?:args|command|cmd)[ \t]?=[ \t]?)?[[({]?[ \t\r\n]{0,40}(?:Arrays\.asList\(|List\.of\(|new String\[\][ \t]?\{[ \t]?)?[fr]?(["'`])((?:(?!\2)(?:\\.|[^\\\n])){1,400})\2/g;
/** The text behind a shell's `-c`, as a member of a list. */
const dashC = /(["'`])-[a-z]{0,3}c\1[ \t\r\n]{0,20},[ \t\r\n]{0,40}(["'`])((?:(?!\2)(?:\\.|[^\\\n])){1,400})\2/g;
/** The same for `python -c`: `import` is also a program, of ImageMagick. */
const pythonText = /^(?:import [A-Za-z_{%][^/-]*|from [\w.{}%]+ import .*)$/;
/** These hand their text to a shell; the others start a program. */
const bySh =
  /^(system|popen[23]?|passthru|shell_exec|proc_open|exec|execSync|getoutput|getstatusoutput|create_subprocess_shell|capture2e?|capture3|os:cmd)$/;
const quoted = /`([^`\n\\]{2,400})`|(?:\bqx|%x)[ \t]?([{([|/])([^\n})\]|/]{1,400})/g;
const key =
  /["']?[\w.-]{0,60}(?:command|cmd|path|bin|binary|executable|program|converter)["']?[ \t]{0,4}(?:=>|[:=>])[ \t]{0,20}["'[]{0,2}([\w./+-]{2,200})/gi;

/** Shell texts and program names that stand in calls which start programs. `isShell`: a shell is needed to run it. */
export function execCalls(text: string, path: string): { command: string; isShell: boolean }[] {
  const found: { command: string; isShell: boolean }[] = [];
  for (const [whole, name = "", , literal = ""] of text.matchAll(call)) {
    const isList = /[[{]\s*$|asList\($|List\.of\($/.test(whole.slice(0, whole.length - literal.length - 2));
    found.push({ command: unescaped(literal), isShell: !isList && (bySh.test(name) || literal.includes(" ")) });
  }
  for (const [, , , script = ""] of text.matchAll(dashC))
    if (!pythonText.test(script)) found.push({ command: unescaped(script), isShell: true });
  if (/\.(rb|rake|ru|erb|php|phtml|inc|pl|pm|cgi|psgi)$/i.test(path))
    for (const [, ticks, , brackets] of text.matchAll(quoted))
      found.push({ command: ticks ?? brackets ?? "", isShell: true });
  return found.slice(0, maxCalls);
}

const unescaped = (literal: string) => literal.replace(/\\(["'`\\])/g, "$1");

/** Values of a configuration whose key says that they are a program. */
export function configuredPrograms(text: string): string[] {
  return [...text.matchAll(key)].slice(0, maxCalls).map((match) => match[1] ?? "");
}

/**
 * External commands of applications in other languages than the shell: string literals in calls that start programs, and
 * programs under a key of the configuration that says command, path or bin. A text for a shell keeps `/bin/sh` too.
 */
export const externalCommands: Pack = {
  name: "external-commands",
  edges: ({ path, entry }, { use }, context) => {
    if (use === "exist" || entry.type !== "file" || isForDevelopers(path) || isListing(path)) return [];
    if (isCompiledJava.test(path)) return context.isApplication(path) ? startedByClasses(path, context) : [];
    const isConfig = config.test(path);
    const isOurs = context.isApplication(path) || (isConfig && context.isSeen(path) && isConfigured(path));
    if (!isOurs || !(isConfig || code.test(path) || isScriptName(path, entry.mode))) return [];
    const text = context.text(path, maxBytes);
    if (text === undefined) return [];
    if (isConfig) return configuredPrograms(text).flatMap((name) => configured(context, name, path));
    if (/^#!.*\/(env[ \t]+)?(ba|da|a|z|k)?sh\b/.test(text.slice(0, 100))) return [];
    return execCalls(text, path).flatMap((each) => called(context, each, path));
  },
};

/** In a class that starts programs a literal stands for each word of the command. */
function startedByClasses(path: string, context: PackContext): Wanted[] {
  const bytes = context.content(path, maxArchiveBytes);
  if (!bytes) return [];
  const classes = path.endsWith(".class") ? [bytes] : classesOf(bytes);
  return classes.flatMap((each) => {
    const { literals, classes: used } = classStrings(each);
    if (!used.has("java/lang/ProcessBuilder") && !used.has("java/lang/Runtime")) return [];
    const { workdir } = context;
    return literals.flatMap((text) =>
      startsOfScript(text, workdir || "/").starts.flatMap((start) => startWanted(context, start, path)),
    );
  });
}

const isConfigured = (path: string) => /^\/(usr\/local\/)?etc\//.test(path) && !isSystemDirectory(posix.dirname(path));

/** `bin/worker`, `manage`: a script with no name of its language. */
const isScriptName = (path: string, mode: number) => (mode & 0o111) !== 0 && !posix.basename(path).includes(".");

function called(
  context: PackContext,
  { command, isShell }: { command: string; isShell: boolean },
  by: string,
): Wanted[] {
  const directory = context.workdir || "/";
  const starts: Start[] = isShell ? startsOfScript(command, directory).starts : [{ words: [command], directory }];
  const wanted = starts.flatMap((start) => startWanted(context, start, by));
  return isShell && wanted.length > 0
    ? [...wanted, byPack("script", "/bin/sh", by, "shell of a command", "run")]
    : wanted;
}

/** A whole path, or a name that PATH leads to. */
function configured(context: PackContext, name: string, by: string): Wanted[] {
  const path = findProgram(context.rootfs, name, { env: context.env, workdir: "/" });
  const found = path === undefined ? undefined : resolvePath(context.rootfs, path);
  if (path === undefined || !found || "missing" in found) return [];
  return startWanted(context, { words: [name], directory: "/" }, by);
}

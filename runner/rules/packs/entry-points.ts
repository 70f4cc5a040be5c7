import { posix } from "node:path";
import { resolvePath } from "../../rootfs.ts";
import { findProgram } from "../program.ts";
import { type Start, startsOf, startsOfScript } from "./command-line.ts";
import type { PackContext } from "./pack.ts";
import { supervisedPrograms } from "./supervisor.ts";
import { isRuntime } from "./system-paths.ts";

/** A program start of the image, with the real path of the program when it is there, and whether its text is a shell script's. */
export type EntryPoint = { start: Start; program: string | undefined; isScript: boolean };

const maxStarts = 1000;
const maxScriptBytes = 256 << 10;
const shellShebang = /^#![ \t]*\S*\/(env[ \t]+(-S[ \t]*)?)?(ba|da|a|z|k|mk)?sh\b/;

export function isShellScript(path: string, text: string): boolean {
  return shellShebang.test(text) || (/\.(sh|bash)$/.test(path) && !text.startsWith("#!"));
}

/** The image's environment as a shell sees it. */
export function variablesOf(env: readonly string[]): Map<string, string> {
  return new Map(
    env.map((assignment): [string, string] => {
      const equals = assignment.indexOf("=");
      return [assignment.slice(0, equals), assignment.slice(equals + 1)];
    }),
  );
}

/** The real path of a program that is started by this name there. */
export function programAt({ rootfs, env }: PackContext, name: string, directory: string): string | undefined {
  if (name.includes("\0")) return undefined;
  const spelled = findProgram(rootfs, name, { env, workdir: directory });
  const found = spelled === undefined ? undefined : resolvePath(rootfs, spelled);
  return found && "path" in found ? found.path : undefined;
}

/** The real path of a file or directory that a word of a command line names. */
export function namedAt({ rootfs }: PackContext, word: string, directory: string): string | undefined {
  if (word === "" || word.includes("\0")) return undefined;
  const found = resolvePath(rootfs, posix.resolve("/", directory, word));
  return "path" in found ? found.path : undefined;
}

/**
 * Everything that the image's commands start, hop by hop: through wrappers and shells, through shell scripts (in every branch),
 * `npm start`, and supervisord's programs; then what the observation saw starting.
 */
export function entryPoints(context: PackContext): EntryPoint[] {
  const variables = variablesOf(context.env);
  const found: EntryPoint[] = [];
  const passed = new Set<string>();
  const todo: { start: Start; isOurs: boolean }[] = [];
  const add = (starts: readonly Start[], isOurs: boolean) => {
    for (const start of starts) {
      const key = `${start.directory}\0${start.words.join("\0")}`;
      if (passed.has(key) || todo.length >= maxStarts) continue;
      passed.add(key);
      todo.push({ start, isOurs });
    }
  };
  for (const command of context.commands) add(startsOf(command, context.workdir, variables), true);
  for (const { argv } of context.processes) add(startsOf(argv, context.workdir, variables), false);
  for (const { start, isOurs } of todo) {
    // `todo` grows as we walk it
    const program = programAt(context, start.words[0] ?? "", start.directory);
    const script = scriptOf(context, start, program, isOurs);
    const text = script === undefined ? undefined : context.text(script, maxScriptBytes);
    const isScript = script !== undefined && text !== undefined && isShellScript(script, text);
    found.push({ start, program, isScript: isScript && script === program });
    if (isScript) add(startsOfScript(text, start.directory, variables, script).starts, true);
    for (const line of npmScripts(context, start)) add(startsOfScript(line, start.directory, variables).starts, true);
    for (const { command, directory } of supervisedPrograms(context, start))
      add(startsOf(command, directory ?? start.directory, variables), true);
  }
  return found;
}

/** The file that may be a shell script here: the program itself, or the argument of a shell. System programs of others are not read. */
function scriptOf(
  context: PackContext,
  { words, directory }: Start,
  program: string | undefined,
  isOurs: boolean,
): string | undefined {
  if (program === undefined) return undefined;
  if (/^(ba|da|a|z|k)?sh$|^busybox$/.test(posix.basename(words[0] ?? ""))) {
    const argument = words.slice(1).find((word) => !word.startsWith("-") && !word.startsWith("+"));
    return words.some((word) => /^-[a-z]*c$/.test(word)) ? undefined : namedAt(context, argument ?? "", directory);
  }
  if (isRuntime(program) || (!isOurs && /^(\/usr)?\/s?bin\//.test(program))) return undefined;
  return program;
}

/** The shell texts behind `npm start`, `npm run x`, `yarn x` and the like, with those before and after. */
function npmScripts(context: PackContext, { words, directory }: Start): string[] {
  if (!/^(npm|yarn|yarnpkg|pnpm|bun)$/.test(posix.basename(words[0] ?? ""))) return [];
  const plain = words.slice(1).filter((word) => !word.startsWith("-"));
  const name = plain[0] === "run" || plain[0] === "run-script" ? plain[1] : plain[0];
  const path = namedAt(context, "package.json", directory);
  const scripts = path === undefined ? undefined : scriptsOf(context.text(path, 1 << 20) ?? "");
  if (name === undefined || scripts === undefined) return [];
  return [`pre${name}`, name, `post${name}`].flatMap((each) => {
    const text = scripts[each];
    return typeof text === "string" ? [text] : [];
  });
}

/** `scripts` of a package.json; undefined when there are none. */
function scriptsOf(text: string): Record<string, unknown> | undefined {
  try {
    const { scripts } = JSON.parse(text) as { scripts?: unknown }; // any JSON: only an object's own strings are used
    return typeof scripts === "object" && scripts !== null ? (scripts as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // not JSON, or `null`: npm would refuse it too
  }
}

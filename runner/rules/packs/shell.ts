import { posix } from "node:path";
import { findProgram } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { type Start, startsOfScript } from "./command-line.ts";
import { isShellScript, namedAt, variablesOf } from "./entry-points.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { isBuildTool, isForDevelopers } from "./system-paths.ts";

const maxScriptBytes = 256 << 10;

/** What shells do themselves. A program of the same name is started by `env` and `xargs` only, which say so. */
const builtins = new Set(
  ". : [ alias bg bind break builtin caller cd command compgen complete continue declare dirs disown echo enable eval exec exit export false fc fg getopts hash help history jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return set shift shopt source suspend test times trap true type typeset ulimit umask unalias unset wait".split(
    " ",
  ),
);

/** A distribution's own start scripts of servers, which read their settings from a file beside the configuration. */
const controlScript = /\/(apachectl|apache2ctl|catalina\.sh|setenv\.sh|rabbitmq-(server|env|script-wrapper))$/;

const sourced = "sourced";

/**
 * Programs that the application's shell scripts may start, in every branch, found on PATH; and the files that they source. The
 * programs of a package manager, a compiler or an editor are left out: what they are for happened when the image was made.
 */
export const shell: Pack = {
  name: "shell",
  edges: ({ path, entry }, { use, reason }, context) => {
    const isSourced = reason.kind === "script" && reason.detail === sourced;
    if (use === "exist" || entry.type !== "file" || isForDevelopers(path)) return [];
    if (!isSourced && !context.isApplication(path) && !(controlScript.test(path) && context.isSeen(path))) return [];
    if (!isSourced && !mayBeScript(path, entry.mode)) return [];
    const text = context.text(path, maxScriptBytes);
    if (text === undefined || (!isSourced && !isShellScript(path, text))) return [];
    const { starts, functions } = startsOfScript(text, directoryOf(context, path), variablesOf(context.env), path);
    return starts
      .filter(({ words }) => !functions.has(words[0] ?? ""))
      .flatMap((start) => startWanted(context, start, path));
  },
};

/** Reading every file of an application to see whether it is a script costs time: a script has the name or the mode of one. */
const mayBeScript = (path: string, mode: number) => (mode & 0o111) !== 0 || /\.(sh|bash)$|\/[\w-]+$/.test(path);

/** Where a script most likely runs: in WORKDIR when that is the application's, else where it lies. */
const directoryOf = ({ workdir }: PackContext, path: string) =>
  workdir === "/" || workdir === "" ? posix.dirname(path) : workdir;

/** A started program, or a sourced file. */
export function startWanted(context: PackContext, { words, directory }: Start, by: string): Wanted[] {
  const [name = "", target = ""] = words;
  if (name === "." || name === "source") {
    const file = namedAt(context, target, directory) ?? namedAt(context, target, posix.dirname(by));
    return file === undefined ? [] : [byPack("script", file, by, sourced)];
  }
  if (name === "command" || name === "type" || name === "which" || name === "hash") {
    // `command -v gzip` asks for a program that is then used by a variable.
    const asked = words.slice(1).filter((word) => !word.startsWith("-"));
    return asked.flatMap((word) => program(context, word, directory, by));
  }
  return builtins.has(name) ? [] : program(context, name, directory, by);
}

function program(context: PackContext, name: string, directory: string, by: string): Wanted[] {
  if (builtins.has(name) || (isBuildTool(name) && !name.includes("/"))) return [];
  // As PATH spells it: its links are part of what is needed (`awk` and the applets of busybox are links).
  const path = name.includes("\0")
    ? undefined
    : findProgram(context.rootfs, name, { env: context.env, workdir: directory });
  return path === undefined ? [] : [byPack("script", path, by, `command ${name}`, "run")];
}

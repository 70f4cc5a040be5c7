import { posix } from "node:path";
import { findProgram } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";

const maxBytes = 512 << 10;

/** What POSIX shells are used with every day: files, texts, dates, processes. Further programs are somebody's choice to name. */
const everyday = (
  "sh cat cp mv rm ln ls mkdir rmdir touch chmod chown head tail sort uniq wc cut tr tee grep sed awk find xargs env printenv printf " +
  "echo test expr true false sleep date basename dirname readlink realpath pwd id uname which mktemp seq od"
).split(" ");

/** `exec(command, …)` of Node's child_process: the shell gets what a variable holds. */
const byNode =
  /(?:(?<![\w$.])|\b(?:cp|child|childProcess|child_process)\.)exec(?:Sync)?\([ \t]{0,4}(?!function\b)[A-Za-z_$][\w$.[\]]{0,60}[ \t]{0,4}[,)]/;
const nodeModule = /["'`](?:node:)?child_process["'`]/;

/** `subprocess.run(command, shell=True)`. */
const byPython =
  /\b(?:run|call|Popen|check_call|check_output)\([ \t\r\n]{0,20}[A-Za-z_][\w.]{0,60}[ \t]{0,4},[^()]{0,200}\bshell[ \t]?=[ \t]?True\b/;
const ofPython = /\/python[\d.]+\/(?!(?:site|dist)-packages\/)/;

/**
 * **Any command**: a file that was loaded and gives a shell what a variable holds (a flow editor, a job runner, a task queue) runs
 * what its users write. The programs that everybody writes there are kept, as the image has them.
 */
export const anyCommand: Pack = {
  name: "any command",
  edges({ path, entry }, { use }, context) {
    if (use === "exist" || entry.type !== "file" || !context.isSeen(path)) return [];
    return runsAnyCommand(path, context) ? everydayPrograms(path, context) : [];
  },
};

function runsAnyCommand(path: string, context: PackContext): boolean {
  const type = posix.extname(path);
  if (/^\.[cm]?js$/.test(type)) {
    const text = context.text(path, maxBytes);
    return text !== undefined && nodeModule.test(text) && byNode.test(text);
  }
  if (type !== ".py" || ofPython.test(path)) return false;
  const text = context.text(path, maxBytes);
  return text?.includes("subprocess") === true && byPython.test(text);
}

const everydayPrograms = (by: string, { rootfs, env }: PackContext): Wanted[] =>
  everyday.flatMap((name) => {
    const path = findProgram(rootfs, name, { env, workdir: "/" });
    return path === undefined ? [] : [byPack("script", path, by, "any command", "run")];
  });

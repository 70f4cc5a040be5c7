import { posix } from "node:path";
import { resolvePath } from "../../rootfs.ts";
import { nodeFiles } from "./node-application.ts";
import { lookupDirectories, manifestOf, packageDirectory } from "./node-resolve.ts";
import type { PackContext } from "./pack.ts";

/** A program of a package that a script of the application starts: its link in `.bin`, its file, and who names it. */
export type Bin = { spelled: string; path: string; by: string };

const maxScripts = 200;
const builtIn = new Set(["install", "ci", "i", "add", "config", "cache", "exec", "x", "dlx", "version", "help", "set"]);

/** The scripts that command lines run by name: `npm start`, `npm run serve`, `yarn serve`. */
export function scriptNames(line: readonly string[]): string[] {
  const words = line.flatMap((word) => word.slice(0, 10_000).split(/[\s;&|()"']+/)).filter((word) => word !== "");
  const found: string[] = [];
  words.forEach((word, at) => {
    if (!/(?:^|\/)(?:npm|yarn|pnpm|bun)(?:-cli\.js|\.[cm]?js)?$/.test(word)) return;
    const [first, second] = words.slice(at + 1, at + 12).filter((each) => !each.startsWith("-"));
    const isRun = first === "run" || first === "run-script";
    const name = isRun ? second : first;
    if (name !== undefined && (isRun || !builtIn.has(name))) found.push(name);
  });
  return found;
}

/** The programs in `node_modules/.bin` that the application's running package.json scripts name, with the scripts they run. */
export function startedBins(context: PackContext): Bin[] {
  const lines = [...context.commands, ...context.processes.map(({ argv }) => argv)];
  const found = new Map<string, Bin>();
  for (const directory of nodeFiles(context).manifests) {
    const by = `${directory}/package.json`;
    const scripts = manifestOf(context, directory)?.scripts ?? {};
    const todo = new Set(lines.flatMap(scriptNames));
    for (const name of todo) {
      // `todo` grows as we walk it: a script runs other scripts
      if (todo.size > maxScripts) break;
      for (const each of [`pre${name}`, name, `post${name}`]) {
        const text = Object.hasOwn(scripts, each) ? scripts[each] : undefined;
        if (text === undefined) continue;
        const words = text.slice(0, 10_000).split(/[\s;&|()"']+/);
        for (const next of scriptNames(words)) todo.add(next);
        for (const bin of words.flatMap((word) => binOf(context, word, directory, by))) found.set(bin.spelled, bin);
      }
    }
  }
  return [...found.values()];
}

function binOf(context: PackContext, word: string, directory: string, by: string): Bin[] {
  if (!/^[\w.-]+$/.test(word) || /^\.*$/.test(word)) return [];
  for (const lookup of lookupDirectories(directory, [])) {
    const spelled = `${lookup}/.bin/${word}`;
    const file = resolvePath(context.rootfs, spelled);
    if ("path" in file && file.entry.type === "file")
      return [{ spelled, path: packageDirectory(file.path) ? file.path : shimTarget(context, file.path), by }];
  }
  return [];
}

/** pnpm puts shell scripts into `.bin` that start the file at `$basedir/...`. */
function shimTarget(context: PackContext, path: string): string {
  const relative = /\$basedir\/([^"\s]+)"/.exec(context.text(path, 1 << 16) ?? "")?.[1];
  const found =
    relative === undefined ? undefined : resolvePath(context.rootfs, posix.join(posix.dirname(path), relative));
  return found && "path" in found ? found.path : path;
}

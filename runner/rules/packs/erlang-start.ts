import { posix } from "node:path";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { isUsed, whole } from "./erlang-code.ts";
import { childPaths, directoryAt, fileAt, filesBelow, ran, unitBelow } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type PackContext } from "./pack.ts";
import { isSystemDirectory } from "./system-paths.ts";

const emulators = /^(?:beam(?:\.\w+)?|erlexec|erl)$/;

export const isErlang = oncePerWave((context) => ran(context, emulators));

/** Emulators that ran, with their arguments. */
const started = (context: PackContext) =>
  context.processes.filter(({ exe }) => emulators.test(posix.basename(exe)) && !exe.endsWith("/erl"));

const helpers = ["erl", "erlexec", "erl_child_setup", "inet_gethost", "heart", "run_erl", "to_erl", "dyn_erl"];

/** For nodes that talk with each other, which have a name; Debian's epmd brings libsystemd along. */
const forNamedNodes = ["epmd", "erl_call"];

/** Programs that the emulator starts from beside itself, and the boot files of its root: a remote console takes another one. */
function emulator(context: PackContext): Wanted[] {
  const isNamed = started(context).some(({ argv }) => argv.some((word) => word === "-sname" || word === "-name"));
  const names = [...helpers, ...(isNamed ? forNamedNodes : [])];
  return [...new Set(started(context).map(({ exe }) => exe))].flatMap((exe) => {
    const directory = posix.dirname(fileAt(context, exe) ?? exe);
    const boots = childPaths(
      context,
      posix.resolve(directory, "../../bin"),
      /^(?:start|start_clean|no_dot_erlang)\.boot$/,
    );
    return [
      ...names.map((name) => byPack("rule", `${directory}/${name}`, exe, "erlang emulator", "run")),
      ...boots.map((path) => byPack("rule", path, exe, "erlang boot file")),
    ];
  });
}

/** A release, as `mix release` and rebar3 make them: all that is in it was asked for. */
function releases(context: PackContext): Wanted[] {
  const marks = /^(?:sys\.config|vm\.args|env\.sh|runtime\.exs|start\.boot)$/;
  const roots = [...context.children].flatMap(([directory, names]) => {
    const root = /^(.+)\/releases\/[^/]+$/.exec(directory)?.[1];
    return root !== undefined && names.some((name) => marks.test(name)) ? [root] : [];
  });
  return [...new Set(roots)].flatMap((root) => {
    const applications = childPaths(context, `${root}/lib`, /./);
    // The system's own Erlang has a `releases` directory too.
    if (isSystemDirectory(root) || !applications.some((directory) => isUsed(directory, context))) return [];
    return [
      ...unitBelow(context, `${root}/releases`, root, "erlang release"),
      ...filesBelow(context, `${root}/bin`).map((path) => byPack("unit", path, root, "erlang release", "run")),
      ...applications.flatMap((directory) => whole(directory, root, "erlang release", context)),
    ];
  });
}

/** The words behind an option of the emulator: `-pa` takes several. */
function valuesOf(argv: readonly string[], option: RegExp): string[] {
  const values: string[] = [];
  let isOpen = false;
  for (const word of argv) {
    if (word.startsWith("-")) isOpen = option.test(word);
    else if (isOpen) values.push(word);
  }
  return values;
}

/** Directories and files that the command line names: code paths, configuration, boot files. */
function named(context: PackContext): Wanted[] {
  const absolute = (path: string) => posix.resolve("/", context.workdir, path);
  return started(context).flatMap(({ exe, argv }) => {
    const files = valuesOf(argv, /^-(?:config|boot|args_file|vm_args|configfd)$/).flatMap((value) =>
      ["", ".config", ".boot"].map((end) => byPack("named", absolute(value) + end, exe, "erlang option")),
    );
    const paths = valuesOf(argv, /^-p[az]$/).flatMap((value) => directoryAt(context, absolute(value)) ?? []);
    return [...files, ...paths.flatMap((path) => codePath(path, exe, context))];
  });
}

function codePath(directory: string, by: string, context: PackContext): Wanted[] {
  const isOfApplication = /\/(?:ebin|consolidated)$/.test(directory);
  if (isOfApplication) return whole(posix.dirname(directory), by, "erlang code path", context);
  return childPaths(context, directory, /\.(?:beam|app)$/).map((path) => byPack("unit", path, by, "erlang code path"));
}

/** Applications below ERL_LIBS, when that is not all that the system has. */
function libraries(context: PackContext): Wanted[] {
  const directories = (variable(context.env, "ERL_LIBS") ?? "").split(":").filter((path) => path.startsWith("/"));
  return directories.flatMap((path) => {
    const directory = directoryAt(context, path);
    if (directory === undefined || isSystemDirectory(directory)) return [];
    return childPaths(context, directory, /./).flatMap((each) => whole(each, "ERL_LIBS", "erlang code path", context));
  });
}

/** Plug-ins packed as archives, when one of the same directory was opened. */
function archives(context: PackContext): Wanted[] {
  return [...context.children].flatMap(([directory, names]) => {
    const files = names.filter((name) => name.endsWith(".ez")).map((name) => `${directory}/${name}`);
    if (!files.some((path) => context.isSeen(path))) return [];
    return files.map((path) => byPack("unit", path, directory, "plug-in archives"));
  });
}

/** What a running Erlang needs whatever its modules are: its programs, what its command line names, releases, archives. */
export function startedWith(context: PackContext): Wanted[] {
  return [emulator, named, libraries, releases, archives].flatMap((part) => part(context));
}

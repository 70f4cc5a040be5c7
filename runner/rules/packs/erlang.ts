import type { Wanted } from "../wanted.ts";
import { applicationsOf, applicationsOfBoot, type Beam, configuredIn, parseBeam } from "./beam.ts";
import { startsOfScript } from "./command-line.ts";
import { applicationFiles, applicationOf, code, fileOf, inParts, isUsed, tools, whole } from "./erlang-code.ts";
import { isErlang, startedWith } from "./erlang-start.ts";
import { perPath } from "./gather.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { startWanted } from "./shell.ts";

/** Of kernel and stdlib: what compiles, stores or talks to somebody who types. The base mentions it and does not need it. */
const seldom =
  /^(?:c|i|shell\w*|edlin\w*|group|group_history|user_drv|prim_tty|erl_(?:lint|tar|compile\w*|boot_server|expand_records)|epp\w*|escript|man_docs|xref\w*|compile|edit|sys_\w+|v3_\w+|beam_\w+|cerl\w*|core_\w+|qlc\w*|ms_transform|sofs|digraph\w*|dets\w*|disk_log\w*|file_sorter|win32reg|eval_bits)$/;

const isBase = (name: string | undefined) => name === "kernel" || name === "stdlib";

const beamOf = perPath((path, context): Beam | undefined => {
  const file = context.content(path);
  return file && parseBeam(file);
});

/** What the application's own module means: by a call, or by its name, another application; by another atom that module. */
function ownEdges(path: string, beam: Beam, context: PackContext): Wanted[] {
  return [...ownModules(path, beam, context), ...beam.commands.flatMap((text) => commandWanted(text, path, context))];
}

/** A literal of a module that starts programs: as the text of a shell it names those that there are. */
function commandWanted(text: string, path: string, context: PackContext): Wanted[] {
  const { starts } = startsOfScript(text, context.workdir);
  const wanted = starts.flatMap((start) => startWanted(context, start, path));
  return wanted.length === 0 ? [] : [...wanted, byPack("script", "/bin/sh", path, "shell of a command", "run")];
}

function ownModules(path: string, beam: Beam, context: PackContext): Wanted[] {
  const called = new Set(beam.calls);
  return beam.atoms.flatMap((atom) => {
    if (atom === beam.module) return [];
    const named = applicationFiles(atom, path, "erlang application", context);
    const file = fileOf(atom, context);
    if (file === undefined) return named;
    const name = called.has(atom) ? applicationOf(file, context)?.name : undefined;
    const reached = name === undefined ? [] : applicationFiles(name, path, "erlang call", context);
    return [byPack("named", file, path, "erlang module"), ...reached, ...named];
  });
}

/** What a reached module calls, of its own application and of the base. */
function callEdges(path: string, beam: Beam, context: PackContext): Wanted[] {
  const own = applicationOf(path, context)?.name;
  const isUsual = isBase(own) && !seldom.test(beam.module);
  return beam.calls.flatMap((module) => {
    const file = fileOf(module, context);
    if (file === undefined || (isUsual && seldom.test(module))) return [];
    const name = applicationOf(file, context)?.name;
    return isBase(name) || (name !== undefined && name === own) ? [byPack("script", file, path, "erlang call")] : [];
  });
}

/** What an `.app` file stands for: its application, and those that are started before it. */
function appEdges(path: string, context: PackContext): Wanted[] {
  const own = applicationOf(path, context);
  if (own === undefined || inParts.test(own.name)) return [];
  const needed = applicationsOf(context.text(path) ?? "");
  return [
    ...whole(own.directory, path, `application ${own.name}`, context),
    ...needed.flatMap((name) => applicationFiles(name, path, "erlang application", context)),
  ];
}

function configurationEdges(path: string, context: PackContext): Wanted[] {
  const { atoms, applications } = configuredIn(context.text(path) ?? "");
  const modules = atoms.flatMap((atom) => fileOf(atom, context) ?? []);
  return [
    ...applications.flatMap((name) => applicationFiles(name, path, "erlang configuration", context)),
    ...modules
      .filter((file) => !tools.test(applicationOf(file, context)?.name ?? ""))
      .map((file) => byPack("named", file, path, "erlang module")),
  ];
}

/** Erlang and Elixir: used and named applications whole, of kernel and stdlib what is called; releases; archives of plug-ins. */
export const erlang: Pack = {
  name: "erlang",
  seeds(context) {
    if (!isErlang(context)) return [];
    const used = [...code(context).byEbin.values()].filter(
      ({ name, directory }) => !inParts.test(name) && isUsed(directory, context),
    );
    return [
      ...startedWith(context),
      ...used.map(({ file, name }) => byPack("unit", file, "erlang", `application ${name}`)),
    ];
  },
  edges({ path, entry }, wanted, context) {
    if (entry.type !== "file" || wanted.use === "exist" || !isErlang(context)) return [];
    if (path.endsWith(".app")) return appEdges(path, context);
    if (
      /\/(?:sys|app|advanced|erlang)\.config$/.test(path) ||
      (wanted.reason.detail === "erlang option" && path.endsWith(".config"))
    )
      return configurationEdges(path, context);
    if (path.endsWith(".boot")) {
      const boot = context.content(path);
      return applicationsOfBoot(boot ?? Buffer.alloc(0)).flatMap((name) =>
        applicationFiles(name, path, "erlang boot file", context),
      );
    }
    const beam = path.endsWith(".beam") ? beamOf(path, context) : undefined;
    if (beam === undefined) return [];
    const isThirdParty = context.isSeen(path) && !/\/(?:erlang|elixir)\/lib\/[^/]+\/ebin\//.test(path);
    return context.isApplication(path) || isThirdParty ? ownEdges(path, beam, context) : callEdges(path, beam, context);
  },
};

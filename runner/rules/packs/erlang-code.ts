import { posix } from "node:path";
import type { Entry } from "../../rootfs.ts";
import type { Wanted } from "../wanted.ts";
import { childPaths, directoryAt, filesBelow, perPath } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type PackContext } from "./pack.ts";
import { isSystemDirectory } from "./system-paths.ts";
import { useOf } from "./tree.ts";

/** An OTP application as it is installed: the directory above its `ebin`, and its `.app` file. */
export type Application = { name: string; directory: string; file: string };

type Code = {
  applications: ReadonlyMap<string, readonly Application[]>;
  /** By the directory of the modules. */
  byEbin: ReadonlyMap<string, Application>;
  /** Module to its files. */
  modules: ReadonlyMap<string, readonly string[]>;
};

/** Every application and module of the image. */
export const code = oncePerWave((context): Code => {
  const applications = new Map<string, Application[]>();
  const byEbin = new Map<string, Application>();
  const modules = new Map<string, string[]>();
  for (const [directory, names] of context.children) {
    if (!/\/(?:ebin|consolidated)$/.test(directory)) continue;
    const file = names.find((each) => each.endsWith(".app"));
    if (file !== undefined) {
      const name = file.slice(0, -4);
      const own = { name, directory: posix.dirname(directory), file: `${directory}/${file}` };
      byEbin.set(directory, own);
      applications.set(name, [...(applications.get(name) ?? []), own]);
    }
    // The modules of erts are inside of the emulator.
    for (const each of file === "erts.app" ? [] : names) {
      if (!each.endsWith(".beam")) continue;
      const module = each.slice(0, -5);
      modules.set(module, [...(modules.get(module) ?? []), `${directory}/${each}`]);
    }
  }
  return { applications, byEbin, modules };
});

/** Of these only modules: they are large, and every program names some. */
export const inParts = /^(?:kernel|stdlib|compiler|erts)$/;

/** For developers: many mention them. They come along when they were used, or as a part of a release. */
export const tools =
  /^(?:common_test|debugger|dialyzer|diameter|edoc|erl_docgen|et|eunit|ex_unit|hex|iex|jinterface|megaco|mix|observer|parsetools|rebar|reltool|syntax_tools|tools|wx)$/;

export const applicationOf = (path: string, context: PackContext) => code(context).byEbin.get(posix.dirname(path));

export const isUsed = perPath((directory, context) =>
  childPaths(context, `${directory}/ebin`, /\.beam$/).some((path) => context.isSeen(path)),
);

/** The file of a module: that which was loaded when several applications have one of the name, else the newest. */
export function fileOf(module: string, context: PackContext): string | undefined {
  const files = code(context).modules.get(module) ?? [];
  return files.find((path) => context.isSeen(path)) ?? files.at(-1);
}

/** An application as it works: its modules and what is private to it, without sources and headers. */
export function whole(directory: string, by: string, detail: string, context: PackContext): Wanted[] {
  // Of asn1, 1.1 MB are its compiler, which whoever wants it names.
  const isSource = /\/ebin\/(?:[^/]+\.(?:erl|hrl|ex)|asn1(?:ct\w*|_db)\.beam)$|\/obj\/|\.(?:[coh]|a)$/;
  const accept = (path: string) => !isSource.test(path);
  const own = ["ebin", "priv", "consolidated"].flatMap((part) =>
    filesBelow(context, `${directory}/${part}`, { accept }),
  );
  const linked = own.flatMap((path) => sharedData(path, context)).flatMap((at) => filesBelow(context, at, { accept }));
  return [...own, ...linked].map((path) => byPack("unit", path, by, detail, useAt(context.rootfs.get(path))));
}

/** Where a link of an application to a directory leads: distributions have its images and pages below the shared directory. */
function sharedData(path: string, context: PackContext): string[] {
  const to = context.rootfs.get(path)?.type === "symlink" ? directoryAt(context, path) : undefined;
  return to === undefined || isSystemDirectory(to) ? [] : [to];
}

const useAt = (entry: Entry | undefined): Wanted["use"] => (entry === undefined ? "load" : useOf(entry));

/** The `.app` files of an application, whose edges are the application: those in use when several versions are there. */
export function applicationFiles(name: string, by: string, detail: string, context: PackContext): Wanted[] {
  if (inParts.test(name) || tools.test(name)) return [];
  const found = code(context).applications.get(name) ?? [];
  const used = found.filter(({ directory }) => isUsed(directory, context));
  return (used.length > 0 ? used : found.slice(-1)).map(({ file }) => byPack("named", file, by, detail));
}

import { posix } from "node:path";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { directoryAt, fileAt, perPath } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";

/** Larger files are data in the form of Lua. */
const maxSourceBytes = 2 << 20;
const maxRequires = 2000;

/** Where the interpreters look, by version, without the machine's own directory (luaconf.h, and Debian's patch of it). */
const trees = ["/usr/local/share/lua", "/usr/local/lib/lua", "/usr/share/lua", "/usr/lib/lua", "/usr/lib64/lua"];

/** `require "a.b"`, `require('a.b')`, `require [[a.b]]`, and as the argument of `pcall`. */
const call = /\brequire\b[ \t]*(?:[,(][ \t]*)?(?:"([\w./-]{1,200})"|'([\w./-]{1,200})'|\[\[([\w./-]{1,200})\]\])/g;

/** The modules that a text asks for, in every branch of it; comments are passed over. */
export function luaRequires(text: string): string[] {
  const names = [...withoutComments(text).matchAll(call)].map(
    ([, double, single, long]) => double ?? single ?? long ?? "",
  );
  return [...new Set(names)].slice(0, maxRequires);
}

/** Not by a pattern: one that looks for the end of a long comment again from each beginning takes quadratic time. */
function withoutComments(text: string): string {
  const parts: string[] = [];
  for (let at = 0; ; ) {
    const start = text.indexOf("--", at);
    if (start < 0) return [...parts, text.slice(at)].join("");
    parts.push(text.slice(at, start));
    const isLong = text.startsWith("[[", start + 2);
    const end = text.indexOf(isLong ? "]]" : "\n", start + 2);
    if (end < 0) return parts.join("");
    at = isLong ? end + 2 : end;
  }
}

/** Versions of the interpreters and libraries that ran; none: no Lua. LuaJIT is 5.1 to its modules. */
const versions = oncePerWave((context): string[] => {
  const ran = context.processes.flatMap(({ exe }) => [exe, fileAt(context, exe) ?? exe]);
  const loaded = [...context.rootfs.keys()].filter((path) => /\/liblua[^/]*\.so/.test(path) && context.isSeen(path));
  const found = [...ran, ...loaded].flatMap((path) => {
    const name = posix.basename(path);
    return /^(?:lib)?luajit/.test(name) ? "5.1" : (/^(?:lib)?lua-?(5\.\d)/.exec(name)?.[1] ?? []);
  });
  return [...new Set(found)];
});

/** Patterns with a `?` for the module, in which dots are slashes: those of ENV, of the application, then the built-in ones. */
const patterns = oncePerWave((context): string[] => {
  const machine = ["/usr/lib", "/usr/local/lib"].flatMap((directory) =>
    (context.children.get(directory) ?? [])
      .filter((name) => /-linux-/.test(name))
      .map((name) => `${directory}/${name}/lua`),
  );
  const own = ["LUA_PATH", "LUA_CPATH"].flatMap((name) =>
    [name, ...versions(context).map((version) => `${name}_${version.replace(".", "_")}`)].flatMap((each) =>
      (variable(context.env, each) ?? "").split(";").filter((pattern) => pattern.includes("?")),
    ),
  );
  const builtIn = versions(context).flatMap((version) =>
    [...trees, ...machine]
      .map((tree) => `${tree}/${version}`)
      .filter((directory) => directoryAt(context, directory) !== undefined)
      .flatMap(shapes),
  );
  return [...own.map((pattern) => posix.resolve("/", context.workdir, pattern)), ...builtIn];
});

const shapes = (directory: string) => ["?.lua", "?/init.lua", "?.so"].map((shape) => posix.join(directory, shape));

/**
 * The file of a module for a source, as it is spelled: Debian has those of most versions as links. A part of a native module
 * (`a.b`) may be inside of `a.so`.
 */
function fileOf(name: string, from: string, context: PackContext): string | undefined {
  const find = (module: string, all: readonly string[]) =>
    all
      .map((pattern) => pattern.replaceAll("?", module.replaceAll(".", "/")))
      .find((path) => fileAt(context, path) !== undefined);
  // An application often adds its own directory to the path; a module never looks beside itself.
  const beside = [...(context.isApplication(from) ? [posix.dirname(from)] : []), context.workdir].flatMap(shapes);
  const root = name.split(".")[0] ?? name;
  const native = patterns(context).filter((pattern) => pattern.endsWith(".so"));
  return find(name, [...beside, ...patterns(context)]) ?? (root === name ? undefined : find(root, native));
}

const requires = perPath((path, context) => luaRequires(context.text(path, maxSourceBytes) ?? ""));

/** A file in a directory of modules, of whatever version: what is kept of these is what something asked for. */
const isModule = (path: string, context: PackContext) =>
  /\/lua\/5\.\d\//.test(path) ||
  patterns(context).some((pattern) => path.startsWith(pattern.slice(0, pattern.indexOf("?"))));

/** Lua: the modules that the application's files require, in every branch, and what these require. */
export const lua: Pack = {
  name: "lua",
  edges({ path, entry }, { use }, context): Wanted[] {
    if (entry.type !== "file" || use === "exist" || versions(context).length === 0) return [];
    if (!context.isApplication(path) && !isModule(path, context)) return [];
    const isSource =
      path.endsWith(".lua") ||
      (!posix.basename(path).includes(".") && /^#!.*\blua/.test(context.text(path, maxSourceBytes) ?? ""));
    if (!isSource) return [];
    return requires(path, context).flatMap((name) => {
      const file = fileOf(name, path, context);
      return file === undefined ? [] : [byPack("script", file, path, `lua require ${name}`)];
    });
  },
};

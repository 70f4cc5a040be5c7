import { posix } from "node:path";
import { resolvePath } from "../../rootfs.ts";
import { variable } from "../program.ts";
import { oncePerWave } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";

/** A package of node: its directory as the resolution spells it, links and all, and where that really is. */
export type NodePackage = { spelled: string; path: string };

/** What counts of a package.json; every part that is not as it has to be is empty. */
export type Manifest = {
  name: string;
  dependencies: readonly string[];
  optionalDependencies: readonly string[];
  peerDependencies: readonly string[];
  /** Peers that a package works without. */
  optionalPeers: readonly string[];
  devDependencies: readonly string[];
  workspaces: readonly string[];
  scripts: Readonly<Record<string, string>>;
  /** Paths inside the package that it names as its entries: main, module, browser, bin, exports, imports. */
  entries: readonly string[];
  /** It says for which `os`, `cpu` or `libc` it is: a prebuilt binary. */
  isPlatformBinary: boolean;
};

/** Where node, or a distribution's build of it, looks when no directory above has the package. */
const globalDirectories = [
  "/usr/share/nodejs",
  "/usr/lib/nodejs",
  "/usr/lib/node_modules",
  "/usr/local/lib/node_modules",
];

/** The name of a package at the start of a specifier; undefined for paths, URLs, `node:` modules and what cannot be one. */
export function packageName(specifier: string): string | undefined {
  return /^(?:@[\w.~-]+\/)?[\w~-][\w.~-]*(?=\/|$)/.exec(specifier)?.[0];
}

/**
 * The directory of the package that holds a real path: below the last `node_modules`, or below a directory of packaged
 * modules. Undefined when the path is in no package.
 */
export function packageDirectory(path: string): string | undefined {
  const inside = /^.*\/node_modules\/(?:@[^/]+\/)?[^@./][^/]*(?=\/)/s.exec(path);
  if (inside) return inside[0];
  return /^\/usr\/(?:share|lib)\/nodejs\/(?:@[^/]+\/)?[^@./][^/]*(?=\/)/.exec(path)?.[0];
}

/** Directories in which node looks for packages required by a file in `directory`, nearest first (Modules: loading from node_modules). */
export function lookupDirectories(directory: string, env: readonly string[]): string[] {
  const found: string[] = [];
  for (let at = directory; ; at = posix.dirname(at)) {
    if (posix.basename(at) !== "node_modules") found.push(at === "/" ? "/node_modules" : `${at}/node_modules`);
    if (at === "/") break;
  }
  const nodePath = (variable(env, "NODE_PATH") ?? "").split(":").filter((each) => posix.isAbsolute(each));
  return [...found, ...nodePath, ...globalDirectories];
}

/** The package that `name` means to a file in the real directory `directory`; undefined when it is not installed. */
export function resolvePackage(context: PackContext, name: string, directory: string): NodePackage | undefined {
  for (const lookup of lookupDirectories(directory, context.env)) {
    const spelled = posix.join(lookup, name);
    const found = resolvePath(context.rootfs, spelled);
    if ("path" in found && found.entry.type === "directory") return { spelled, path: found.path };
  }
  return undefined;
}

const manifests = oncePerWave(() => new Map<string, Manifest | undefined>());

/** package.json of a real directory; undefined when there is none, or none yet. */
export function manifestOf(context: PackContext, directory: string): Manifest | undefined {
  const known = manifests(context);
  if (known.has(directory)) return known.get(directory);
  const file = resolvePath(context.rootfs, `${directory}/package.json`);
  const text = "path" in file ? context.text(file.path) : undefined;
  const manifest = text === undefined ? undefined : parseManifest(text);
  known.set(directory, manifest);
  return manifest;
}

/** What a package.json says; whatever is broken in it counts as not said. Never throws. */
export function parseManifest(text: string): Manifest {
  const json = objectOf(parseJson(text.replace(/^\ufeff/, "")));
  const keys = (field: string) => Object.keys(objectOf(json[field]));
  const peersMeta = Object.entries(objectOf(json.peerDependenciesMeta));
  const scripts = Object.entries(objectOf(json.scripts));
  const workspaces = Array.isArray(json.workspaces) ? json.workspaces : objectOf(json.workspaces).packages;
  return {
    name: typeof json.name === "string" ? json.name : "",
    dependencies: keys("dependencies"),
    optionalDependencies: keys("optionalDependencies"),
    peerDependencies: keys("peerDependencies"),
    optionalPeers: peersMeta.filter(([, meta]) => objectOf(meta).optional === true).map(([name]) => name),
    devDependencies: keys("devDependencies"),
    workspaces: strings(workspaces),
    scripts: Object.fromEntries(scripts.filter((pair): pair is [string, string] => typeof pair[1] === "string")),
    entries: ["main", "module", "browser", "bin", "exports", "imports"].flatMap((field) => strings(json[field])),
    isPlatformBinary: ["os", "cpu", "libc"].some((field) => json[field] !== undefined),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not a package.json that node could read
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  // A cast for reading: every field is checked where it is used.
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** All strings inside a value, in at most 5 levels of it. */
function strings(value: unknown, level = 0): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || level === 5) return [];
  return Object.values(value).flatMap((each) => strings(each, level + 1));
}

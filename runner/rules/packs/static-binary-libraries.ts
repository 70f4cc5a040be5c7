import { posix } from "node:path";
import type { Wanted } from "../wanted.ts";
import { fileAt } from "./gather.ts";
import { byPack, type PackContext } from "./pack.ts";
import { dynamicNames, elfImage } from "./static-binary-elf.ts";

const maxNameBytes = 256;
const maxLibraries = 64;
const triplets = /-linux-(gnu|musl)/;

/**
 * Libraries that a program of the application loads by a name in it: whole C strings `/usr/lib/app/x.so` and `libx.so.1`, where it
 * has `dlopen` from its libc. Its headers say nothing of these; and a plug-in is loaded when it is asked for, not at the start.
 */
export function openedLibraries(bytes: Buffer, by: string, context: PackContext): Wanted[] {
  const image = elfImage(bytes);
  const imports = image && dynamicNames(image);
  if (!imports?.has("dlopen") && !imports?.has("dlmopen")) return [];
  const names = [...libraryNames(bytes)].filter((name) => !imports.has(name)); // those are in its headers
  const found = names.flatMap((name) => {
    const paths = name.startsWith("/") ? [name] : libraryDirectories(context).map((each) => `${each}/${name}`);
    return paths.find((path) => fileAt(context, path) !== undefined) ?? [];
  });
  return found.slice(0, maxLibraries).map((path) => byPack("named", path, by, "library named in the binary"));
}

/** Whole C strings that end as libraries do: an absolute path, or a name without a directory. */
function libraryNames(bytes: Buffer): Set<string> {
  const names = new Set<string>();
  for (let at = bytes.indexOf(".so"); at >= 0; at = bytes.indexOf(".so", at + 3)) {
    const from = Math.max(at - maxNameBytes, 0);
    const start = from + bytes.subarray(from, at).lastIndexOf(0) + 1;
    const end = at + bytes.subarray(at, at + maxNameBytes).indexOf(0);
    if (end < at || bytes[start - 1] !== 0) continue;
    const name = bytes.toString("latin1", start, end);
    if (/^(\/[\w./+-]+|[\w+-]+)\.so(\.\d+)*$/.test(name)) names.add(name);
  }
  return names;
}

const libraryDirectories = (context: PackContext): string[] =>
  ["/usr/local/lib", "/lib", "/usr/lib", "/lib64", "/usr/lib64"].flatMap((parent) => [
    ...(context.children.get(parent) ?? [])
      .filter((name) => triplets.test(name))
      .map((name) => posix.join(parent, name)),
    parent,
  ]);

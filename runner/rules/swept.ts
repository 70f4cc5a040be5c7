import { posix } from "node:path";
import { childrenOf, type Rootfs, resolvePath } from "../rootfs.ts";
import type { SensorRun } from "../sensor/events.ts";
import { isSystemDirectory } from "./packs/system-paths.ts";
import type { Wanted } from "./wanted.ts";

const library = /\.(?:so(?:\.[\w.]+)?|a|la|o)$/;

/** With less in a directory it is not worth a rule, and one look at each may well have been meant. */
const minLibraries = 20;
const minShare = 0.9;

/**
 * What was seen, without libraries that a program only came across: it listed a directory of the system and looked at each entry,
 * as Erlang's code server does with every directory of ERL_LIBS. Without them the list is shorter and the program the same.
 * Libraries that were read, and those that others need, stay.
 */
export function withoutSwept(rootfs: Rootfs, runs: readonly { run: SensorRun }[], seen: readonly Wanted[]): Wanted[] {
  const passed = new Set(runs.flatMap(({ run }) => sweptBy(run, rootfs)));
  if (passed.size === 0) return [...seen];
  const used = new Set(runs.flatMap(({ run }) => usedIn(run)));
  const isPassed = (path: string) => passed.has(path) && !used.has(path);
  return seen.filter(({ path, use }) => use !== "exist" || !isPassed(targetOf(path, rootfs) ?? path));
}

/** Real paths of the libraries that one program looked at in a sweep over their directory, or over links to them. */
function sweptBy(run: SensorRun, rootfs: Rootfs): string[] {
  const looked = new Set<string>();
  const lists = new Map<string, { exe: string; path: string }>();
  for (const { kind, exe, path, result } of run.files) {
    if (result !== "ok") continue;
    if (kind === "stat") looked.add(`${exe}\0${path}`);
    if (kind === "list" && isSystemDirectory(path)) lists.set(`${exe}\0${path}`, { exe, path });
  }
  return [...lists.values()].flatMap(({ exe, path }) => {
    const names = (childrenOf(rootfs).get(path) ?? []).filter((name) => library.test(name));
    const targets = names.flatMap((name) => targetOf(posix.join(path, name), rootfs) ?? []);
    const found = targets.filter((target) => looked.has(`${exe}\0${target}`));
    const isSweep = targets.length >= minLibraries && found.length >= targets.length * minShare;
    return isSweep ? found.filter((target) => library.test(target)) : [];
  });
}

/** What was more than looked at. */
const usedIn = (run: SensorRun): string[] =>
  run.files.filter(({ kind }) => kind !== "stat" && kind !== "readlink").map(({ path }) => path);

function targetOf(path: string, rootfs: Rootfs): string | undefined {
  const found = resolvePath(rootfs, path);
  return "path" in found && found.entry.type === "file" ? found.path : undefined;
}

import type { Keep } from "#contract/job.ts";
import { type Rootfs, resolvePath } from "../../rootfs.ts";
import type { FileFacts } from "../file-facts.ts";
import type { PackContext } from "../packs/pack.ts";
import type { Use, Wanted } from "../wanted.ts";

/** What a rule of the user's is answered from. */
export type Given = {
  context: PackContext;
  keep: Keep;
  /** Undefined for a file that was not examined yet. */
  factsOf(path: string): FileFacts | undefined;
  /** Entries by the rule that takes them from layers: what was read of the image's archive. */
  layers: readonly { rule: string; paths: readonly string[] }[];
};

/** A rule as it stands on the command line, and what it stands for in this image. `wants`: files that must be examined first. */
export type Answer = { rule: string; wanted: Wanted[]; wants?: string[] };

/** An entry as a rule of the user's asks for it: what can be executed with all that it takes to run. */
export function byUser(rootfs: Rootfs, path: string, rule: string): Wanted {
  return { path, reason: { kind: "pinned", by: rule }, use: useOf(rootfs, path) };
}

function useOf(rootfs: Rootfs, path: string): Use {
  const found = resolvePath(rootfs, path);
  if (!("path" in found) || found.entry.type !== "file") return "load";
  return (found.entry.mode & 0o111) !== 0 ? "run" : "load";
}

/** What a pack wants, for a rule of the user's. */
export const forRule = (wanted: readonly Wanted[], rule: string): Wanted[] =>
  wanted.map((each) => ({ ...each, reason: { kind: "pinned", by: rule } }));

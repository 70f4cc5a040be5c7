import type { Rootfs } from "../../rootfs.ts";
import type { Place } from "../place.ts";
import type { Wanted } from "../wanted.ts";

/** What a pack may know of an image and of what was observed. Paths are real paths of the rootfs unless said otherwise. */
export type PackContext = {
  rootfs: Rootfs;
  /** Directory to the names in it. */
  children: ReadonlyMap<string, readonly string[]>;
  /** The image's environment, `NAME=value`, and what its scenarios add. */
  env: readonly string[];
  workdir: string;
  /** ENTRYPOINT and CMD, and the commands of scenarios. */
  commands: readonly (readonly string[])[];
  /** Every program that ran, with its arguments, in the order of the observation. */
  processes: readonly { exe: string; argv: readonly string[] }[];
  /** USER of the image's config, as written; undefined: not known. */
  user?: string;
  /** Whether a process listened on a network port or a socket; undefined: not known. */
  listens?: boolean;
  /** Read or executed during the observation. */
  isSeen(path: string): boolean;
  /** One of the application's own files, by the application pack's rule: its intent counts, in every branch of its code. */
  isApplication(path: string): boolean;
  /**
   * Content of a regular file; undefined when it is not known yet (it is then read, and the selection runs again), when it
   * cannot be read, or when it is larger than `maxBytes` (default 4 MiB).
   */
  content(path: string, maxBytes?: number): Buffer | undefined;
  /** The same as text; bytes that are not UTF-8 stand as lone surrogates. */
  text(path: string, maxBytes?: number): string | undefined;
};

/**
 * What one language or platform needs beyond what was observed. Pure: it decides from the context alone and asks for
 * contents through it. Both functions are called again in every wave, so they must not remember anything.
 */
export type Pack = {
  name: string;
  /** What is wanted from the start. */
  seeds?(context: PackContext): Wanted[];
  /** What one kept entry asks for. `place` is where it really is, `wanted` how it was asked for. */
  edges?(place: Place, wanted: Wanted, context: PackContext): Wanted[];
};

/** `path` is wanted by the pack because of `by`, a path of the image; `detail` says the rule in two or three words. */
export function byPack(
  kind: "named" | "unit" | "script" | "rule",
  path: string,
  by: string,
  detail: string,
  use: Wanted["use"] = "load",
): Wanted {
  return { path, reason: { kind, by, detail }, use };
}

import type { Reason } from "../keep-set.ts";

/** How a kept file is used: it has to be there, it is loaded or read as a whole, or it is started as a program. */
export type Use = "exist" | "load" | "run";

/** What a library inherits from the file that loads it. */
export type LoadContext = { libc: "glibc" | "musl" | undefined; inherited: readonly string[] };

/** A path as somebody spells it (symbolic links and all), why it is to be kept, and what for. */
export type Wanted = {
  path: string;
  reason: Reason;
  use: Use;
  context?: LoadContext;
  /** Directory by which a library was found, when symbolic links lead from there to `path`. */
  origin?: string;
};

/** Something that has to be there, for a rule's sake. */
export function byRule(path: string, rule: string): Wanted {
  return { path, reason: { kind: "rule", by: rule }, use: "exist" };
}

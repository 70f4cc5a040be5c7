import { z } from "zod";

/** Raised when the meaning of a field changes; readers refuse what they do not know. */
export const graphSchemaVersion = 1;

/** What an edge says of the node that it starts from. */
export const EdgeKind = z.enum([
  // What the application did with an entry; to a program, or to a scenario when nothing is known of the program.
  "executed",
  "read",
  "written",
  "looked-at",
  "listed",
  "link-read",
  "entered",
  "attributes-read",
  "touched",
  /** A directory in which something was made. */
  "written-in",
  // What a kept entry needs besides; to that entry, or to what asked for it.
  "parent",
  "link",
  "needed",
  "interpreter",
  "script",
  "named",
  "unit",
  "rule",
  "included",
  "repaired",
  // Of a process: to the entry that it executes; to the process, or the scenario, that started it.
  "runs",
  "started",
]);
export type EdgeKind = z.infer<typeof EdgeKind>;

/** Where a chain of reasons begins. `path`: an entry that is asked for by a name that is kept under another one. */
export const Origin = z.object({
  kind: z.enum(["scenario", "rule", "pattern", "verification", "path"]),
  name: z.string(),
});
export type Origin = z.infer<typeof Origin>;

export const PackageSystem = z.enum(["dpkg", "apk", "rpm", "npm", "pip", "gem"]);
export type PackageSystem = z.infer<typeof PackageSystem>;

/** Entries, and bytes of the regular files among them: a hard link counts where its file was met first. */
export const Amount = z.object({ entries: z.int(), files: z.int(), bytes: z.int() });
export type Amount = z.infer<typeof Amount>;

/** A package and what became of its entries. */
export const PackageNode = z.object({
  system: PackageSystem,
  /** As the package manager calls it; of pip and gem with the version. */
  name: z.string(),
  /** The directory of one copy of a language's package; null for packages of the distribution. */
  at: z.string().nullable(),
  kept: Amount,
  removed: Amount,
});
export type PackageNode = z.infer<typeof PackageNode>;

/** `[parent, name, type, size, package]`. `parent`: position in `entries`, -1 when `name` is the whole path; `package`: position in `packages`, -1 for none. */
export const EntryNode = z.tuple([z.int(), z.string(), z.enum(["f", "d", "l", "c", "b", "p", "s"]), z.int(), z.int()]);
export type EntryNode = z.infer<typeof EntryNode>;

/** `[from, to, kind, detail]`: nodes, position in `kinds`, position in `details` or -1. */
export const Edge = z.tuple([z.int(), z.int(), z.int(), z.int()]);
export type Edge = z.infer<typeof Edge>;

/**
 * `graph.json`: the kept part of the file graph. A node is a position in `entries`, `processes`, `packages` and `origins` as
 * one list, in this order. The first edges, as many as there are entries and in their order, are the reasons why entries are
 * kept; after them come those of processes and what else was observed. Removed entries are in `files.jsonl`, their sums here.
 */
export const Graph = z.object({
  schemaVersion: z.literal(graphSchemaVersion),
  kinds: z.array(EdgeKind),
  details: z.array(z.string()),
  origins: z.array(Origin),
  packages: z.array(PackageNode),
  /** What no package owns. */
  unowned: z.object({ kept: Amount, removed: Amount }),
  processes: z.array(z.object({ scenario: z.string(), pid: z.int(), argv: z.array(z.string()) })),
  entries: z.array(EntryNode),
  edges: z.array(Edge),
});
export type Graph = z.infer<typeof Graph>;

/** Why an entry is kept, as the rules say it; an edge says more of what was observed. */
export const ReasonKind = z.enum([
  "observed",
  "parent",
  "target",
  "needed",
  "script",
  "named",
  "unit",
  "rule",
  "pinned",
  "repaired",
]);
export type ReasonKind = z.infer<typeof ReasonKind>;

/** One line of `files.jsonl`: an entry of the fat image and what became of it. `reasons` of a kept one leads from it to where it began. */
export const FileLine = z.object({
  path: z.string(),
  type: z.enum(["file", "directory", "symlink", "character", "block", "fifo", "socket"]),
  /** Bytes of a file or of a symbolic link's target; else 0. */
  size: z.int(),
  /** Of a symbolic link. */
  target: z.string().optional(),
  /** `dpkg:libssl3`; null when no package is known to own it. */
  owner: z.string().nullable().default(null),
  kept: z.boolean(),
  reasons: z
    .array(z.object({ path: z.string(), kind: ReasonKind, by: z.string(), detail: z.string().optional() }))
    .default([]),
  /** The pattern of the user that took it away. */
  excluded: z.string().optional(),
});
export type FileLine = z.infer<typeof FileLine>;

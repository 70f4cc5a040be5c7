import type { PackContext } from "./pack.ts";

/** What a configuration names, as written there. */
export type ConfigReference = {
  /** Path or pattern. */
  spelled: string;
  /** Two or three words for the report. */
  detail: string;
  /** Directory of a relative path, when it is not that of the file that names it. */
  base?: string;
  /**
   * Default `file`: one or several files. `include`: more configuration, of the same format. `tree`: a directory that is served or
   * read as a whole. `program`: found on PATH. `output`: written there, so the directory above is kept, and what is there already.
   */
  what?: "include" | "tree" | "program" | "output";
  /** Keys come along with a tree: the server reads all of its files as certificates. */
  keys?: boolean;
};

/** One file of a configuration, by its real path. */
export type ConfigFile = {
  path: string;
  /** Whether the reading began with it. */
  isMain: boolean;
  /** Directory to which the format resolves relative paths. */
  base: string;
  /** Variables that the configuration itself knows. */
  variables: ReadonlyMap<string, string>;
  context: PackContext;
};

export type Scope = Pick<ConfigFile, "base" | "variables">;

/** A kind of configuration that refers to other files. */
export type Format = {
  name: string;
  /** Usual paths of the file that a program reads first. */
  main: RegExp;
  /** Whether it counts without being read: a library asks for it at the first call, and a rule keeps it. */
  isQuiet?: boolean;
  /** Programs that take another main file, and the options before it, with `=` or as the next word. */
  told?: { program: RegExp; option: RegExp };
  /** Where paths are relative to and what variables stand for. @param texts the files read so far, the main one first */
  scope?(texts: readonly string[], main: string, context: PackContext): Partial<Scope>;
  /** Pure and linear in the text. */
  references(text: string, file: ConfigFile): ConfigReference[];
};

import type { ElfFacts } from "./elf.ts";

/** What the rules need to know of a file's content. All parts are undefined for a file that is none of it. */
export type FileFacts = {
  elf: ElfFacts | undefined;
  /** Interpreter and its one argument, as the kernel splits the `#!` line; the argument of `env` as written. */
  shebang: string[] | undefined;
  /** Whole content, of the small index files that rules read (`isIndexFile`). */
  content: Buffer | undefined;
  /** False: the file could not be read, and nothing is known of it. */
  readable: boolean;
};

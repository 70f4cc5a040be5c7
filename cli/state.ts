import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type OpenDatabase, openDatabase } from "#api/db/open.ts";
import { directoryStore } from "#api/store/directory.ts";
import { attemptPrefix } from "#api/store/key.ts";
import type { Store } from "#api/store/store.ts";
import { WinnowError } from "#contract/error.ts";

/** Everything that the command line keeps, in one directory for its owner alone. */
export type State = {
  db: OpenDatabase;
  store: Store;
  /** For work in progress; nothing in it outlives its job. */
  tmpPath: string;
  /** Where a person finds the artifacts of an attempt. */
  artifactsPath(jobId: string, attempt: number): string;
};

/** Opens the state at `path`, making it when needed. Throws `config.invalid` when it cannot be written, `database.newer`. */
export function openState(path: string): State {
  const storePath = join(path, "store");
  return {
    db: usable(path, () => openDatabase(join(path, "winnow.db"))),
    store: directoryStore(storePath),
    tmpPath: usable(path, () => makeTmp(path)),
    artifactsPath: (jobId, attempt) => join(storePath, attemptPrefix(jobId, attempt)),
  };
}

/** True when nothing was ever kept at `path`, so that a command that only reads need not make anything. */
export function isStateEmpty(path: string): boolean {
  return !existsSync(join(path, "winnow.db"));
}

function makeTmp(path: string): string {
  const tmpPath = join(path, "tmp");
  mkdirSync(tmpPath, { recursive: true, mode: 0o700 });
  return tmpPath;
}

function usable<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof WinnowError) throw thrown;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new WinnowError(
      "config.invalid",
      `The state at ${path} cannot be used: ${why}.`,
      "Name a directory that you may write with --state-path.",
      thrown,
    );
  }
}

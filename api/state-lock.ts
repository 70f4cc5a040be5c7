import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { z } from "zod";
import { WinnowError } from "#contract/error.ts";

const Holder = z.object({ pid: z.int(), url: z.string() });
type Holder = z.infer<typeof Holder>;

export type StateLock = {
  /** Tells whoever is refused who has it. */
  say(holder: Holder): void;
  release(): void;
};

/**
 * Takes the state directory for one server, or for a restore. Made when needed, for its owner alone.
 *
 * The lock is SQLite's on a file of its own: Node has no flock, and this one is the kernel's as well, so that it is free the
 * moment its process is gone, however that ended. A file with a process id would have to be judged: ids come again, and in
 * two containers they are the same. Throws `config.invalid` when another process has it.
 */
export function lockState(path: string): StateLock {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const told = join(path, "server.json");
  const client = new Database(join(path, "server.lock"), { timeout: 0 });
  try {
    client.pragma("journal_mode = MEMORY");
    client.exec("begin exclusive");
  } catch (thrown) {
    client.close();
    if (!(thrown instanceof Database.SqliteError && thrown.code.startsWith("SQLITE_BUSY"))) throw thrown;
    const holder = holderIn(told);
    const who = holder ? `the server at ${holder.url} (process ${holder.pid})` : "another process";
    throw new WinnowError(
      "config.invalid",
      `The state at ${path} is in use by ${who}.`,
      "One server works on a state directory. Stop that one, or name another directory with --state-path.",
      thrown,
    );
  }
  rmSync(told, { force: true }); // of one that was killed
  return {
    say: (holder) => {
      // Renamed into place: a reader must not see half of it.
      writeFileSync(`${told}.new`, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
      renameSync(`${told}.new`, told);
    },
    release: () => {
      rmSync(told, { force: true });
      client.close();
    },
  };
}

function holderIn(file: string): Holder | undefined {
  try {
    return Holder.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined; // it has just begun, or is no server
  }
}

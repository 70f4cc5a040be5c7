import {
  chmodSync,
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import Database from "better-sqlite3";
import { WinnowError } from "#contract/error.ts";
import { checkDatabase, type DatabaseFacts, damaged } from "./check-database.ts";
import { busyTimeoutMs } from "./open.ts";

/** More pages than a database can have: all in one step. */
const allPages = 0x7fffffff;

/**
 * Copies the database in `file` to `target`, also while a server writes it: the copy is what was committed at one moment. It is
 * checked before it gets its name, and then replaces what had that name. Throws `request.invalid`, `database.damaged`.
 */
export async function backupDatabase(
  file: string,
  target: string,
  { gzip = false }: { gzip?: boolean } = {},
): Promise<DatabaseFacts> {
  if (!existsSync(file)) {
    throw new WinnowError(
      "request.invalid",
      `There is no database at ${file}.`,
      "Name its directory with --state-path.",
    );
  }
  const draft = `${target}.unfinished-${process.pid}`;
  try {
    closeSync(openSync(draft, "wx", 0o600));
    await copyPages(file, draft).catch((thrown) => {
      throw thrown instanceof Database.SqliteError && !isBusy(thrown) ? damaged(file, thrown.message, thrown) : thrown;
    });
    const facts = checkDatabase(draft);
    if (gzip) {
      await pipeline(createReadStream(draft), createGzip(), createWriteStream(`${draft}.gz`, { mode: 0o600 }));
      renameSync(`${draft}.gz`, draft);
    }
    putInPlace(draft, target);
    return facts;
  } finally {
    for (const end of ["", ".gz", "-journal", "-wal", "-shm"]) rmSync(`${draft}${end}`, { force: true });
  }
}

async function copyPages(file: string, draft: string): Promise<void> {
  const source = new Database(file, { readonly: true, timeout: busyTimeoutMs });
  try {
    // One step, so one moment: between steps every commit of the server would make it begin again. Readers do not keep writers
    // waiting in WAL mode.
    await source.backup(draft, { progress: () => allPages });
  } finally {
    source.close();
  }
  const copy = new Database(draft);
  copy.pragma("journal_mode = DELETE"); // a backup is one file
  copy.close();
}

export const isBusy = (thrown: unknown): boolean =>
  thrown instanceof Database.SqliteError && thrown.code.startsWith("SQLITE_BUSY");

/** Gives the draft its name for good, as far as the disk can promise. */
export function putInPlace(draft: string, target: string): void {
  chmodSync(draft, 0o600);
  settle(draft);
  renameSync(draft, target);
  settle(dirname(target));
}

function settle(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { drizzle } from "drizzle-orm/better-sqlite3";
import type { BaseSQLiteDatabase } from "drizzle-orm/sqlite-core";
import { fillRepositories } from "./fill-repositories.ts";
import { migrateDatabase } from "./migrate.ts";
import { noteTransaction } from "./prepared.ts";
import * as schema from "./schema.ts";

/** What a query needs: a database or a transaction of one, so that queries nest. */
export type Db = BaseSQLiteDatabase<"sync", Database.RunResult, typeof schema>;

/** A database that somebody owns and closes. */
export type OpenDatabase = Db & { close(): void };

/** How long a write waits for another process's write, ms. */
export const busyTimeoutMs = 5000;

/**
 * Opens the database, making and migrating it when needed. `:memory:` gives a private one.
 *
 * The file is for its owner alone (0600) in a directory of its own (0700), since requests may hold secrets.
 * Throws `database.newer` when a newer Winnow has migrated it; `readonly` needs an existing file at this version.
 */
export function openDatabase(file: string, options: { readonly?: boolean } = {}): OpenDatabase {
  const isMemory = file === ":memory:";
  if (!isMemory && !options.readonly) {
    prepareFile(file);
    withConnection(file, (own) => {
      // Set by one connection before any work; a reader of the old mode would make a switch fail later.
      own.pragma("journal_mode = WAL");
      migrateDatabase(own);
      fillRepositories(own);
    });
  }
  const client = new Database(file, { readonly: options.readonly ?? false, timeout: busyTimeoutMs });
  try {
    if (isMemory) migrateDatabase(client);
    // Explicit, as the driver is compiled with a quiet default. NORMAL: a crashed process loses nothing, a power cut may
    // lose the last commits but never the file's consistency.
    client.pragma("synchronous = NORMAL");
    client.pragma("foreign_keys = ON");
    client.pragma("journal_size_limit = 67108864");
    if (options.readonly) migrateDatabase(client, { checkOnly: true });
    rememberStatements(client);
  } catch (thrown) {
    client.close();
    throw thrown;
  }
  return Object.assign(drizzle({ client, schema }), { close: () => void client.close() });
}

/** Runs `work` in one `BEGIN IMMEDIATE` transaction: a read that leads to a write must hold the write lock from the start. */
export function writing<T>(db: Db, work: (tx: Db) => T): T {
  const noted = (tx: Db): T => {
    noteTransaction(tx, db);
    return work(tx);
  };
  return db.transaction(noted, { behavior: "immediate" });
}

/** More than the service has; a query whose text depends on its values must not fill the memory. */
const maxStatements = 500;

/**
 * The same queries come again and again, and compiling one costs more than running it: each text is compiled once. Nothing
 * here reads a statement step by step, so no two users of one meet.
 */
function rememberStatements(client: Database.Database): void {
  const compile = client.prepare.bind(client);
  const known = new Map<string, Database.Statement>();
  const prepare = (text: string): Database.Statement => {
    const found = known.get(text);
    if (found) return found.reader ? found.raw(false) : found; // as new: drizzle sets it for itself
    const statement = compile(text);
    if (known.size >= maxStatements) for (const oldest of [...known.keys()].slice(0, 100)) known.delete(oldest);
    known.set(text, statement);
    return statement;
  };
  client.prepare = prepare as typeof client.prepare; // its type has a form for each kind of parameters
}

function prepareFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, "a", 0o600)); // SQLite gives the files beside it (-wal, -shm) the same mode
  chmodSync(file, 0o600);
}

function withConnection(file: string, work: (own: Database.Database) => void): void {
  const own = new Database(file, { timeout: busyTimeoutMs });
  try {
    work(own);
  } finally {
    own.close();
  }
}

import { statSync } from "node:fs";
import Database from "better-sqlite3";
import { WinnowError } from "#contract/error.ts";
import { countMigrations } from "./migrate.ts";

export type DatabaseFacts = {
  bytes: number;
  /** Migrations that it has, and those that it gets when it is opened for work. */
  migrations: { applied: number; pending: number };
  /** Rows of each table. */
  rows: Record<string, number>;
};

/**
 * Reads a database file from end to end that nobody writes. Throws `database.damaged` when it is none of ours, or its pages,
 * indexes or references are not in order, and `database.newer` when a newer Winnow has migrated it.
 */
export function checkDatabase(file: string): DatabaseFacts {
  const client = opened(file);
  try {
    const said = client.prepare<[], string>("select * from pragma_integrity_check limit 5").pluck().all();
    const damage = [...said.filter((text) => text !== "ok"), ...broken(client)];
    if (damage.length > 0) throw damaged(file, damage.join("; "));
    const migrations = countMigrations(client);
    if (migrations.applied === 0) throw damaged(file, "it is not a database of Winnow");
    return { bytes: statSync(file).size, migrations, rows: rowsOf(client) };
  } catch (thrown) {
    if (thrown instanceof Database.SqliteError) throw damaged(file, thrown.message, thrown);
    throw thrown;
  } finally {
    client.close();
  }
}

function opened(file: string): Database.Database {
  try {
    return new Database(file, { readonly: true, fileMustExist: true });
  } catch (thrown) {
    throw damaged(file, thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
}

function broken(client: Database.Database): string[] {
  type Row = { table: string; rowid: number; parent: string };
  const rows = client.prepare<[], Row>("select * from pragma_foreign_key_check limit 5").all();
  return rows.map(({ table, rowid, parent }) => `row ${rowid} of ${table} points at no row of ${parent}`);
}

function rowsOf(client: Database.Database): Record<string, number> {
  const tables = client
    .prepare<[], string>(
      "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' and name not like '\\_\\_%' escape '\\' order by name",
    )
    .pluck()
    .all();
  const count = (name: string) => client.prepare<[], number>(`select count(*) from "${name}"`).pluck().get() ?? 0;
  return Object.fromEntries(tables.map((name) => [name, count(name)]));
}

/** For a file that is no database in order. */
export function damaged(file: string, why: string, cause?: unknown): WinnowError {
  return new WinnowError(
    "database.damaged",
    `${file} is damaged: ${why}.`,
    "Restore a backup that `winnow restore --verify` finds in order.",
    cause,
  );
}

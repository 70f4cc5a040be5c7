import { join } from "node:path";
import type Database from "better-sqlite3";
import { type MigrationMeta, readMigrationFiles } from "drizzle-orm/migrator";
import { WinnowError } from "#contract/error.ts";
import { projectRoot } from "../root.ts";

type Applied = { hash: string };

/**
 * Brings a database to the newest migration in `folder`, in one transaction, or leaves it as it was.
 *
 * Not the migrator of drizzle-orm: that one runs inside a transaction, where `PRAGMA foreign_keys=OFF` does nothing, so the
 * generated rebuild of a parent table deletes the rows of its children without an error. Here the keys are off before the
 * transaction starts, afterwards every key must hold and no table may have lost a row. The list of applied migrations is
 * kept in drizzle's own table. `foreign_keys` is off when this returns.
 *
 * With `checkOnly` nothing is written. Throws `database.newer` when the database knows a migration that `folder` lacks.
 */
export function migrateDatabase(
  client: Database.Database,
  { folder = join(projectRoot(), "migrations"), checkOnly = false }: { folder?: string; checkOnly?: boolean } = {},
): void {
  const known = readMigrationFiles({ migrationsFolder: folder });
  if (checkOnly) {
    if (pending(known, appliedTo(client)).length > 0) {
      throw new WinnowError(
        "config.invalid",
        "The database is of an older version of Winnow.",
        "Run any winnow command that writes, e.g. `winnow jobs`, to bring it up to date.",
      );
    }
    return;
  }
  if (pending(known, appliedTo(client)).length === 0) return;
  client.pragma("foreign_keys = OFF");
  client
    .transaction(() => {
      // Asked again now that we hold the write lock: another process may have migrated in between.
      const wanted = pending(known, appliedTo(client));
      const before = countRows(client);
      client.exec(
        "create table if not exists __drizzle_migrations (id integer primary key, hash text not null, created_at numeric)",
      );
      const record = client.prepare("insert into __drizzle_migrations (hash, created_at) values (?, ?)");
      for (const migration of wanted) {
        for (const statement of migration.sql) client.exec(statement);
        record.run(migration.hash, migration.folderMillis);
      }
      assertNothingLost(client, before);
    })
    .immediate();
}

/** How many migrations the database has, and how many it still needs. Throws `database.newer`. */
export function countMigrations(
  client: Database.Database,
  folder = join(projectRoot(), "migrations"),
): { applied: number; pending: number } {
  const applied = appliedTo(client);
  return {
    applied: applied.length,
    pending: pending(readMigrationFiles({ migrationsFolder: folder }), applied).length,
  };
}

/** The migrations still to apply. They are one sequence, so what was applied must be its beginning. */
function pending(known: MigrationMeta[], applied: Applied[]): MigrationMeta[] {
  if (applied.length > known.length) {
    throw new WinnowError(
      "database.newer",
      `The database has ${applied.length} migrations, this version of Winnow knows ${known.length}.`,
      "Use the newer version of Winnow that made it, or another --state-path.",
    );
  }
  const differing = applied.findIndex((one, position) => one.hash !== known[position]?.hash);
  if (differing >= 0) {
    throw new WinnowError(
      "database.newer",
      `Migration ${differing + 1} of the database is not the one that this version of Winnow has.`,
      "Use the version of Winnow that made the database, or another --state-path.",
    );
  }
  return known.slice(applied.length);
}

function appliedTo(client: Database.Database): Applied[] {
  const table = client.prepare("select 1 from sqlite_schema where name = '__drizzle_migrations'").get();
  if (!table) return [];
  return client.prepare<[], Applied>("select hash from __drizzle_migrations order by created_at, id").all();
}

function countRows(client: Database.Database): Map<string, number> {
  const tables = client
    .prepare<[], { name: string }>(
      "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'",
    )
    .all();
  return new Map(
    tables.map(({ name }) => {
      const row = client
        .prepare<[], { rows: number }>(`select count(*) as rows from "${name.replaceAll('"', '""')}"`)
        .get();
      return [name, row?.rows ?? 0];
    }),
  );
}

function assertNothingLost(client: Database.Database, before: Map<string, number>): void {
  const after = countRows(client);
  const fallen = [...before].filter(([name, rows]) => (after.get(name) ?? 0) < rows);
  const broken = client.pragma("foreign_key_check");
  if (fallen.length === 0 && Array.isArray(broken) && broken.length === 0) return;
  const lost = fallen.map(([name, rows]) => `${name} fell from ${rows} to ${after.get(name) ?? 0} rows`);
  throw new WinnowError(
    "internal",
    `A migration would damage the database: ${lost.join(", ") || "rows point at rows that do not exist"}.`,
    "Nothing was changed. Go on with the previous version of Winnow and report this.",
  );
}

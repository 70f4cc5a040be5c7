import { type Placeholder, type SQL, sql } from "drizzle-orm";
import type { Db } from "./open.ts";

/** The database that a transaction belongs to. */
const databaseOf = new WeakMap<Db, Db>();

/** Says that `tx` is a transaction of `db`: it is the same connection, so what was prepared for one serves the other. */
export function noteTransaction(tx: Db, db: Db): void {
  databaseOf.set(tx, databaseOf.get(db) ?? db);
}

/**
 * A query that is put together once for each database, with `sql.placeholder` where its values go. For what most requests ask:
 * there, putting it together costs several times what running it does.
 */
export function prepared<Query>(prepare: (db: Db) => Query): (db: Db) => Query {
  const queries = new WeakMap<Db, Query>();
  return (given) => {
    const db = databaseOf.get(given) ?? given;
    const known = queries.get(db);
    if (known !== undefined) return known;
    const query = prepare(db);
    queries.set(db, query);
    return query;
  };
}

/** For a row that is written as a whole: a placeholder for each of these columns, with the column's name. */
export function placeholdersOf<Name extends string>(names: readonly Name[]): Record<Name, Placeholder<Name>> {
  const pairs = names.map((name) => [name, sql.placeholder(name)]);
  return Object.fromEntries(pairs); // typed as any by lib.es; its keys are exactly the names
}

/** The same for one value of an update; of a number or a text, as nothing is converted. */
export function given(name: string): SQL {
  return sql`${sql.placeholder(name)}`;
}

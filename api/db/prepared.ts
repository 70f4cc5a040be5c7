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

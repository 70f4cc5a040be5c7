import { sql } from "drizzle-orm";
import { type Db, writing } from "./open.ts";
import { audit } from "./schema.ts";

class Undone extends Error {}

/** Writes a row and takes it back. Throws what the database throws. */
export function probeWrite(db: Db, now: number): void {
  const row = { at: now, actor: "probe", action: "probe", status: 0, requestId: "probe" };
  try {
    writing(db, (tx) => {
      tx.insert(audit).values(row).run();
      throw new Undone(); // drizzle's own rollback error is no class of its own
    });
  } catch (thrown) {
    if (!(thrown instanceof Undone)) throw thrown;
  }
}

/** How many migrations the database has had: it changes when another version of Winnow opens it. */
export function countMigrations(db: Db): number {
  const row = db.get<{ applied: number }>(sql`select count(*) as applied from __drizzle_migrations`);
  return row?.applied ?? 0;
}

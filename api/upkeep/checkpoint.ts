import { sql } from "drizzle-orm";
import { busyTimeoutMs, type Db } from "../db/open.ts";

/**
 * Gives a turn that writes the log of the database back and shortens it, if nothing was written since the turn before. SQLite
 * does so by itself only in the midst of writes, and never shortens the file below what a burst made of it.
 */
export function checkpointWhenIdle(db: Db): () => "busy" | "idle" | "done" {
  const written = () => db.get<{ n: number }>(sql`select total_changes() as n`)?.n ?? 0;
  let before = written();
  let done = -1;
  return () => {
    const now = written();
    const isBusy = now !== before;
    before = now;
    if (isBusy) return "busy";
    if (now === done || !checkpoint(db)) return "idle";
    done = now;
    return "done";
  };
}

/** False when another process is reading what would be written over; it is not waited for, as nobody else could be answered meanwhile. */
export function checkpoint(db: Db): boolean {
  db.run(sql`pragma busy_timeout = 0`);
  try {
    return db.get<{ busy: number }>(sql`pragma wal_checkpoint(truncate)`)?.busy === 0;
  } finally {
    db.run(sql.raw(`pragma busy_timeout = ${busyTimeoutMs}`));
  }
}

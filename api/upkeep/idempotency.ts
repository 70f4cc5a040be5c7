import { sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { idempotency } from "../db/schema.ts";

const keptMs = 86_400_000;
const batch = 1000;

/** Forgets answers that are older than a day. Gives how many. */
export function forgetAnswers(db: Db, now: number): number {
  for (let total = 0; ; ) {
    const old = sql`select rowid from ${idempotency} where created_at < ${now - keptMs} limit ${batch}`;
    const { changes } = db.delete(idempotency).where(sql`rowid in (${old})`).run();
    total += changes;
    if (changes < batch) return total;
  }
}

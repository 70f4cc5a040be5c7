import type { Db } from "./open.ts";
import { audit } from "./schema.ts";

export type AuditEntry = Omit<typeof audit.$inferInsert, "seq">;

/** Adds to the record of who changed what. Nothing ever changes a row of it. */
export function appendAudit(db: Db, entry: AuditEntry): void {
  db.insert(audit).values(entry).run();
}

import { and, desc, eq, gte, lt } from "drizzle-orm";
import type { AuditEntry } from "#contract/service/admin-view.ts";
import type { Db } from "./open.ts";
import { audit } from "./schema.ts";

export type AuditQuery = {
  size: number;
  before?: number;
  actor?: string;
  object?: string;
  since?: number;
  until?: number;
};

/** Entries, newest first. */
export function pageAudit(db: Db, { size, before, actor, object, since, until }: AuditQuery): AuditEntry[] {
  return db
    .select()
    .from(audit)
    .where(
      and(
        before === undefined ? undefined : lt(audit.seq, before),
        actor === undefined ? undefined : eq(audit.actor, actor),
        object === undefined ? undefined : eq(audit.object, object),
        since === undefined ? undefined : gte(audit.at, since),
        until === undefined ? undefined : lt(audit.at, until),
      ),
    )
    .orderBy(desc(audit.seq))
    .limit(size)
    .all();
}

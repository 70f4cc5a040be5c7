import { sql } from "drizzle-orm";
import type { Db } from "./open.ts";
import { prepared } from "./prepared.ts";
import { type EventKind, events } from "./schema.ts";

export type JobEvent = {
  jobId: string;
  /** Left out for what happens outside an attempt. */
  attempt?: number;
  at: number;
  kind: EventKind;
  detail: Record<string, string | number | null>;
};

/** Adds to a job's history. Within the transaction of the change that it tells of, when there is one. */
export function appendEvent(db: Db, { jobId, attempt, at, kind, detail }: JobEvent): void {
  insertion(db).run({ jobId, attempt: attempt ?? null, at, kind, detail });
}

const insertion = prepared((db) =>
  db
    .insert(events)
    .values({
      jobId: sql.placeholder("jobId"),
      attempt: sql.placeholder("attempt"),
      at: sql.placeholder("at"),
      kind: sql.placeholder("kind"),
      detail: sql.placeholder("detail"),
    })
    .prepare(),
);

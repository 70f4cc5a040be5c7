import type { Db } from "./open.ts";
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
  db.insert(events)
    .values({ jobId, attempt: attempt ?? null, at, kind, detail })
    .run();
}

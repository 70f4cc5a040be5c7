import { and, asc, eq, gt } from "drizzle-orm";
import type { JobEvent } from "#contract/service/job-view.ts";
import type { Db } from "./open.ts";
import { events } from "./schema.ts";

/** What happened to a job after the event with this `seq`, oldest first; `size` at most. */
export function eventsAfter(db: Db, jobId: string, seq: number, size = 500): JobEvent[] {
  return db
    .select()
    .from(events)
    .where(and(eq(events.jobId, jobId), gt(events.seq, seq)))
    .orderBy(asc(events.seq))
    .limit(size)
    .all();
}

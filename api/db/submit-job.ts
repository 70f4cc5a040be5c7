import { and, eq, inArray } from "drizzle-orm";
import type { JobRequest } from "#contract/job.ts";
import { appendEvent } from "./append-event.ts";
import { newJobId } from "./job-id.ts";
import { type Db, writing } from "./open.ts";
import { jobs } from "./schema.ts";

export type Submission = {
  request: JobRequest;
  now: number;
  priority?: number;
  /** How often the job may be claimed in all; a job of the command line is tried once. */
  maxAttempts?: number;
  /** A job with the same key that is queued or at work is given back instead of a second one. */
  dedupeKey?: string;
};

/** Queues a job. Gives the id of the new job, or of the active one with the same `dedupeKey`. */
export function submitJob(
  db: Db,
  { request, now, priority = 0, maxAttempts = 3, dedupeKey }: Submission,
): { id: string; isNew: boolean } {
  return writing(db, (tx) => {
    const same = dedupeKey === undefined ? undefined : activeWith(tx, dedupeKey);
    if (same) return { id: same.id, isNew: false };
    const id = newJobId(now);
    tx.insert(jobs)
      .values({
        id,
        kind: request.kind,
        state: "queued",
        image: request.image,
        request,
        priority,
        dedupeKey: dedupeKey ?? null,
        runAfterAt: now,
        maxAttempts,
        submittedAt: now,
      })
      .run();
    appendEvent(tx, { jobId: id, at: now, kind: "state", detail: { state: "queued" } });
    return { id, isNew: true };
  });
}

function activeWith(tx: Db, dedupeKey: string): { id: string } | undefined {
  return tx
    .select({ id: jobs.id })
    .from(jobs)
    .where(and(eq(jobs.dedupeKey, dedupeKey), inArray(jobs.state, ["queued", "running", "canceling"])))
    .get();
}

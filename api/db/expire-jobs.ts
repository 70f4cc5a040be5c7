import { and, eq, lt, sql } from "drizzle-orm";
import { appendEvent } from "./append-event.ts";
import type { Failure } from "./end-attempt.ts";
import { type Db, writing } from "./open.ts";
import { jobs } from "./schema.ts";

const expired: Failure = {
  code: "job.expired",
  message: "No runner took the job before its time in the queue was over.",
  hint: "Look at the runners with `winnow runners`: one with the job's labels and architecture must be online.",
};

/** Ends the jobs that have been waiting for more than `queueMs` since they were due. Gives their ids. */
export function expireJobs(db: Db, { now, queueMs }: { now: number; queueMs: number }): string[] {
  return writing(db, (tx) => {
    const isOverdue = and(sql`${jobs.state} = 'queued'`, lt(jobs.runAfterAt, now - queueMs));
    const overdue = tx.select({ id: jobs.id }).from(jobs).where(isOverdue).all();
    const { code: errorCode, message: errorMessage, hint: errorHint } = expired;
    for (const { id } of overdue) {
      tx.update(jobs)
        .set({ state: "expired", finishedAt: now, errorCode, errorMessage, errorHint })
        .where(eq(jobs.id, id))
        .run();
      appendEvent(tx, { jobId: id, at: now, kind: "state", detail: { state: "expired", code: expired.code } });
    }
    return overdue.map(({ id }) => id);
  });
}

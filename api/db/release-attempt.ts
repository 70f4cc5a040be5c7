import { eq } from "drizzle-orm";
import type { JobState } from "#contract/job.ts";
import type { Release } from "#contract/service/runner-protocol.ts";
import { canceledFailure, endAttempt, findHeld } from "./end-attempt.ts";
import { type Held, leaseLost } from "./held-by.ts";
import { dueSince } from "./lose-attempt.ts";
import { type Db, writing } from "./open.ts";
import { runners } from "./schema.ts";

/**
 * A runner gives a job back untouched: queued where it was, the attempt does not count; one that was being canceled is canceled. The
 * same runner does not get back at once what it cannot do: for one that drains or has no room that holds until its next heartbeat says
 * otherwise, for a job that is `unfit` for ever. Gives the job's new state. Throws `lease.lost`.
 */
export function releaseAttempt(db: Db, held: Held, { now, reason, detail }: Release & { now: number }): JobState {
  return writing(db, (tx) => {
    const job = findHeld(tx, held);
    if (!job) throw leaseLost(held);
    const isCanceled = job.state === "canceling";
    endAttempt(tx, job, {
      now,
      attempt: { state: "released", releaseReason: reason },
      job: isCanceled
        ? { state: "canceled", error: canceledFailure }
        : { state: "queued", runAfterAt: dueSince(job, now) },
      detail: { reason, ...(detail !== "" && { text: detail }) },
    });
    if (job.runner !== null && reason !== "unfit") {
      tx.update(runners)
        .set(reason === "drain" ? { isDraining: true } : { paused: detail || "too little disk space" })
        .where(eq(runners.id, job.runner))
        .run();
    }
    return isCanceled ? "canceled" : "queued";
  });
}

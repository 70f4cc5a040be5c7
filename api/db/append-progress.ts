import { and, eq } from "drizzle-orm";
import type { Progress } from "#contract/service/runner-protocol.ts";
import { appendEvent, type JobEvent } from "./append-event.ts";
import { type Held, heldBy, leaseLost } from "./held-by.ts";
import { type Db, writing } from "./open.ts";
import { attempts, jobs } from "./schema.ts";

/** A job tells of a dozen stages and some notes; a runner that tells more is told that all is well. */
export const maxProgress = 10_000;

/**
 * Adds what an attempt tells of itself to its job's history, and notes the stage it is in. `from` is the number of the first event:
 * those that are there already are passed over, so a batch may come twice. Gives the number that is wanted next; less than
 * `from` when events before the batch are missing, of which nothing is taken then. Throws `lease.lost`.
 */
export function appendProgress(
  db: Db,
  held: Held,
  { from, events, now }: { from: number; events: Progress[]; now: number },
): number {
  return writing(db, (tx) => {
    const isAttempt = and(eq(attempts.jobId, held.jobId), eq(attempts.number, held.attempt));
    const found = tx
      .select({ next: attempts.progressNext })
      .from(jobs)
      .innerJoin(attempts, isAttempt)
      .where(heldBy(held))
      .get();
    if (!found) throw leaseLost(held);
    const { next } = found;
    const fresh = events.slice(next - from);
    if (from > next || fresh.length === 0) return next;
    for (const event of fresh.slice(0, Math.max(0, maxProgress - next)))
      appendEvent(tx, { jobId: held.jobId, attempt: held.attempt, at: now, ...toEvent(event) });
    const stage = fresh.findLast((event) => event.kind === "stage" && event.state === "started");
    if (stage?.kind === "stage") tx.update(jobs).set({ stage: stage.stage }).where(heldBy(held)).run();
    tx.update(attempts)
      .set({ progressNext: next + fresh.length })
      .where(isAttempt)
      .run();
    return next + fresh.length;
  });
}

function toEvent(event: Progress): Pick<JobEvent, "kind" | "detail"> {
  const { kind, ...detail } = event;
  return { kind, detail };
}

import { and, eq } from "drizzle-orm";
import type { JobState } from "#contract/job.ts";
import { type AtWork, canceledFailure, endAttempt, type Failure } from "./end-attempt.ts";
import type { Db } from "./open.ts";
import { attempts, type ReleaseReason } from "./schema.ts";

/** An attempt that the server ended, and where the job stands now. */
export type Reaped = { jobId: string; attempt: number; state: JobState };

const lost: Failure = {
  code: "runner.lost",
  message: "The runner stopped without finishing the job.",
  hint: "Run it again; if it happens again, look for a crash or a full disk on the runner's host.",
};

const poisonous: Failure = {
  code: "job.poisonous",
  message: "Two runners were lost while they worked on this job.",
  hint: "Look at the logs of both runners' hosts: the image may exhaust their memory or disk. Lower its limits before trying again.",
};

/** Two runners that died of a job are no accident: a third is not risked. */
const deadliestRunners = 2;

/**
 * Ends the attempt of a runner that is gone. One that was not started is given back and does not count. Else the attempt is `lost`, and
 * the job is queued again at once while it has attempts left, else failed; one that was being canceled is canceled.
 */
export function loseAttempt(tx: Db, held: AtWork, now: number): Reaped {
  if (held.attemptState === "claimed") return giveBack(tx, held, now);
  const job = afterLoss(tx, held);
  endAttempt(tx, held, { now, attempt: { state: "lost", error: lost }, job });
  return { jobId: held.id, attempt: held.attempt, state: job.state };
}

/** Takes back a claim that nobody confirmed: as if it had not been. */
export function giveBack(tx: Db, held: AtWork, now: number): Reaped {
  return release(tx, held, { reason: "not-started", now, runAfterAt: dueSince(held, now) });
}

/**
 * Takes back a job that its runner dropped because the server was away. It does not count, however often that happens; a job that was
 * being canceled is canceled. It has been at work: its time in the queue begins anew, or a long outage would have it expire.
 */
export function takeBack(tx: Db, held: AtWork, now: number): Reaped {
  if (held.attemptState === "claimed") return giveBack(tx, held, now);
  return release(tx, held, { reason: "server-away", now, runAfterAt: now });
}

type Taken = { reason: ReleaseReason; now: number; runAfterAt: number };

function release(tx: Db, held: AtWork, { reason, now, runAfterAt }: Taken): Reaped {
  const job =
    held.state === "canceling"
      ? { state: "canceled" as const, error: canceledFailure }
      : { state: "queued" as const, runAfterAt };
  endAttempt(tx, held, { now, attempt: { state: "released", releaseReason: reason }, job, detail: { reason } });
  return { jobId: held.id, attempt: held.attempt, state: job.state };
}

/** When a job that was given back was due: how long it waits in the queue counts on. Not in the future, though the clock went back. */
export function dueSince({ runAfterAt }: Pick<AtWork, "runAfterAt">, now: number): number {
  return Math.min(runAfterAt, now);
}

function afterLoss(tx: Db, held: AtWork): { state: JobState; error?: Failure } {
  if (held.state === "canceling") return { state: "canceled", error: canceledFailure };
  if (lostOn(tx, held) >= deadliestRunners) return { state: "failed", error: poisonous };
  if (held.attempt - held.uncounted >= held.maxAttempts) return { state: "failed", error: lost };
  return { state: "queued", error: lost };
}

/** How many runners were lost with this job, with the one that has it now. */
function lostOn(tx: Db, { id, runner }: AtWork): number {
  const before = and(eq(attempts.jobId, id), eq(attempts.state, "lost"));
  const runners = tx.selectDistinct({ runner: attempts.runner }).from(attempts).where(before).all();
  return new Set([...runners.map((one) => one.runner), runner]).size;
}

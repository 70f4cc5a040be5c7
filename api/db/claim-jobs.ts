import { and, asc, count, desc, eq, lte, type SQL, sql } from "drizzle-orm";
import { canTakeJobs, findRunner, type Runner } from "./find-runner.ts";
import { heldBy } from "./held-by.ts";
import { type Db, writing } from "./open.ts";
import { prepared } from "./prepared.ts";
import { attempts, jobs } from "./schema.ts";
import { type Candidate, candidateColumns, type Lease, takeJob } from "./take-job.ts";

export type Claim = {
  runnerId: string;
  /** The same id gives the same attempts again while they were not started. */
  claimId: string;
  /** How many jobs at most; never more than the runner has room for. */
  slots: number;
  now: number;
  leaseMs: number;
  /** Makes the token of one attempt; only its hash is stored. */
  makeToken(): { token: string; hash: string };
};

export type ClaimedLease = Lease & { token: string };

/**
 * Hands jobs to a runner, those of the highest priority first, then the oldest. None to a runner that was removed, drains or is paused. A
 * repeated claim gives what it gave before, with new tokens and whole leases; what was started of it is not given again.
 */
export function claimJobs(db: Db, claim: Claim): ClaimedLease[] {
  const runner = findRunner(db, claim.runnerId);
  if (!runner || !canTakeJobs(runner)) return [];
  // Looked at before: a claim that gets nothing, and most do, never waits for the write lock.
  if (earlier(db, claim).length === 0 && candidates(db, runner, { ...claim, slots: 1 }).length === 0) return [];
  return writing(db, (tx) => {
    const before = earlier(tx, claim).filter(({ state }) => state !== "released");
    return before.length > 0 ? renew(tx, before, claim) : takeSeveral(tx, runner, claim);
  });
}

function takeSeveral(tx: Db, runner: Runner, claim: Claim): ClaimedLease[] {
  const { runnerId, claimId, now, leaseMs } = claim;
  const room = Math.min(claim.slots, runner.slots - heldCount(tx, runnerId));
  const taken: ClaimedLease[] = [];
  while (taken.length < room) {
    const found = candidates(tx, runner, { now, slots: room - taken.length });
    if (found.length === 0) break; // a job that could not be read is no candidate any more, so this ends
    for (const candidate of found) {
      const { token, hash } = claim.makeToken();
      const lease = takeJob(tx, candidate, { runner: runnerId, now, leaseMs, claim: { id: claimId, tokenHash: hash } });
      if (lease) taken.push({ ...lease, token });
    }
  }
  return taken;
}

type Earlier = { jobId: string; attempt: number; lease: number; state: string };

function earlier(db: Db, { runnerId, claimId }: Claim): Earlier[] {
  return earlierOf(db).all({ runnerId, claimId });
}

const earlierOf = prepared((db) =>
  db
    .select({ jobId: attempts.jobId, attempt: attempts.number, lease: attempts.lease, state: attempts.state })
    .from(attempts)
    .where(and(eq(attempts.claimId, sql.placeholder("claimId")), eq(attempts.runner, sql.placeholder("runnerId"))))
    .orderBy(sql`${attempts}.rowid`) // as they were handed out
    .prepare(),
);

function renew(tx: Db, before: Earlier[], claim: Claim): ClaimedLease[] {
  const { now, leaseMs } = claim;
  return before
    .filter(({ state }) => state === "claimed")
    .flatMap(({ jobId, attempt, lease }) => {
      const { token, hash } = claim.makeToken();
      tx.update(attempts)
        .set({ tokenHash: hash, claimedAt: now })
        .where(and(eq(attempts.jobId, jobId), eq(attempts.number, attempt)))
        .run();
      const held = { jobId, attempt, lease };
      const expiresAt = now + leaseMs;
      const row = tx
        .update(jobs)
        .set({ leaseExpiresAt: expiresAt })
        .where(heldBy(held))
        .returning({ request: jobs.request, force: jobs.force })
        .get();
      return row ? [{ ...held, ...row, expiresAt, token }] : [];
    });
}

function candidates(db: Db, runner: Runner, { now, slots }: { now: number; slots: number }): Candidate[] {
  const [labels, architectures] = [JSON.stringify(runner.labels), JSON.stringify(runner.engine.architectures)];
  return candidatesFor(db).all({ now, slots, runnerId: runner.id, labels, architectures });
}

const candidatesFor = prepared((db) =>
  db
    .select(candidateColumns)
    .from(jobs)
    .where(and(sql`${jobs.state} = 'queued'`, lte(jobs.runAfterAt, sql.placeholder("now")), isForRunner()))
    .orderBy(desc(jobs.priority), asc(jobs.seq))
    .limit(sql.placeholder("slots"))
    .prepare(),
);

/**
 * `fits` of api/queue/fits.ts in SQL; queue.test.ts holds one against the other. Needs that are no JSON fit everybody: whoever gets
 * such a job finds out that it cannot be read.
 */
function isForRunner(): SQL {
  const [id, labels, architectures] = ["runnerId", "labels", "architectures"].map((name) => sql.placeholder(name));
  return sql`(${jobs.needs} = '{}' or case when json_valid(${jobs.needs}) then not exists (
      select 1 from json_each(${jobs.needs}) as need where not exists (
        select 1 from json_each(${labels}) as label where label.key = need.key and label.value = need.value
      )) else 1 end)
    and (${jobs.architecture} is null
      or ${jobs.architecture} in (select value from json_each(${architectures})))
    and (${jobs.uncounted} = 0 or not exists (
      select 1 from ${attempts} where ${attempts.jobId} = ${jobs.id} and ${attempts.runner} = ${id}
        and ${attempts.releaseReason} = 'unfit'))`;
}

function heldCount(tx: Db, runnerId: string): number {
  return heldOf(tx).get({ runnerId })?.jobs ?? 0;
}

const heldOf = prepared((db) =>
  db
    .select({ jobs: count() })
    .from(jobs)
    .where(and(eq(jobs.runner, sql.placeholder("runnerId")), sql`${jobs.state} in ('running', 'canceling')`))
    .prepare(),
);

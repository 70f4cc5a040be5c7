import { eq } from "drizzle-orm";
import { beforeEach, describe, expect, it } from "vitest";
import { aRequest } from "./builders.ts";
import { cancelJob } from "./cancel-job.ts";
import { claimJob } from "./claim-job.ts";
import { expireJobs } from "./expire-jobs.ts";
import { extendLease } from "./extend-lease.ts";
import { findRunner, findRunnerByToken } from "./find-runner.ts";
import { finishAttempt } from "./finish-attempt.ts";
import { grantAmnesty } from "./grant-amnesty.ts";
import { type OpenDatabase, openDatabase } from "./open.ts";
import { openSession } from "./open-session.ts";
import { aClaim, anAttempt, aRegistration, aRunner, claimFor, leaseMs } from "./queue-builders.ts";
import { readJob } from "./read-job.ts";
import { reapAttempts, reapLocalAttempts } from "./reap-attempts.ts";
import { registerRunner } from "./register-runner.ts";
import { jobs, runners } from "./schema.ts";
import { startAttempt } from "./start-attempt.ts";
import { submitJob } from "./submit-job.ts";

let db: OpenDatabase;
beforeEach(() => {
  db = openDatabase(":memory:");
});

const windows = { startWindowMs: 20_000, cancelGraceMs: 90_000 };
const submit = (now = 1000) => submitJob(db, { request: aRequest(), now }).id;

/** Claims and starts at `now`, and is never heard of again: lost a lease later. */
function die(runnerId: string, now: number): { jobId: string; attempt: number; state: string } | undefined {
  const [lease] = claimFor(db, runnerId, { now });
  if (lease) startAttempt(db, lease, { now, leaseMs });
  return reapAttempts(db, { ...windows, now: now + leaseMs + 1 })[0];
}

describe("a claim that is not confirmed", () => {
  it("is given back after the start window, uncounted, and waits on from when it was queued", () => {
    const { jobId } = aClaim(db, { maxAttempts: 1 });
    expect(reapAttempts(db, { ...windows, now: 22_000 })).toEqual([]);
    expect(reapAttempts(db, { ...windows, now: 22_001 })).toEqual([{ jobId, attempt: 1, state: "queued" }]);
    expect(readJob(db, jobId)).toMatchObject({
      uncounted: 1,
      runAfterAt: 1000,
      attempts: [{ state: "released", releaseReason: "not-started" }],
    });
  });

  it("is no loss either when its lease runs out first", () => {
    const { jobId } = aClaim(db, { maxAttempts: 1 });
    expect(reapAttempts(db, { now: 62_001 })).toMatchObject([{ state: "queued" }]);
    expect(readJob(db, jobId).attempts).toMatchObject([{ state: "released" }]);
  });

  it("ends at once when the job is canceled", () => {
    const { jobId } = aClaim(db);
    expect(cancelJob(db, { jobId, now: 3000, by: "test" })).toBe("canceled");
    expect(readJob(db, jobId)).toMatchObject({
      finishedAt: 3000,
      leaseExpiresAt: null,
      attempts: [{ state: "canceled" }],
    });
  });
});

describe("a runner that falls silent", () => {
  it("loses its job, which is queued again at once", () => {
    const { jobId } = anAttempt(db);
    reapAttempts(db, { ...windows, now: 62_001 });
    expect(readJob(db, jobId)).toMatchObject({ state: "queued", runAfterAt: 62_001, errorCode: "runner.lost" });
  });

  it("fails the job when the attempts are used up, even if it is always the same", () => {
    const runner = aRunner(db);
    const id = submit();
    expect([die(runner, 10_000), die(runner, 100_000), die(runner, 200_000)].map((one) => one?.state)).toEqual([
      "queued",
      "queued",
      "failed",
    ]);
    expect(readJob(db, id)).toMatchObject({ errorCode: "runner.lost", finishedAt: 260_001 });
  });

  it("and a second one make the job poisonous, with attempts left", () => {
    const id = submitJob(db, { request: aRequest(), now: 1000, maxAttempts: 10 }).id;
    expect(die(aRunner(db), 10_000)?.state).toBe("queued");
    expect(die(aRunner(db), 100_000)?.state).toBe("failed");
    expect(readJob(db, id)).toMatchObject({ state: "failed", errorCode: "job.poisonous" });
  });

  it("while it cancels leaves a canceled job", () => {
    const lease = anAttempt(db);
    cancelJob(db, { jobId: lease.jobId, now: 3000, by: "test" });
    expect(reapAttempts(db, { ...windows, now: 62_001 })).toMatchObject([{ state: "canceled" }]);
    expect(readJob(db, lease.jobId)).toMatchObject({ errorCode: "job.canceled", attempts: [{ state: "lost" }] });
  });

  it("is not looked at by the command line, which takes back what a killed one left", () => {
    const { jobId } = anAttempt(db);
    const local = submit();
    claimJob(db, { runner: "cli-host-1", now: 2000, leaseMs, jobId: local });
    expect(reapLocalAttempts(db, { now: 99_000 })).toMatchObject([{ jobId: local, state: "queued" }]);
    expect(readJob(db, jobId).state).toBe("running");
  });
});

describe("an amnesty", () => {
  it("makes all leases whole, so that nothing is overdue", () => {
    const [a, b] = [anAttempt(db), anAttempt(db)];
    expect(grantAmnesty(db, { now: 500_000, leaseMs })).toBe(2);
    expect(reapAttempts(db, { ...windows, now: 560_000 })).toEqual([]);
    expect(reapAttempts(db, { ...windows, now: 560_001 }).map(({ jobId }) => jobId)).toEqual([a.jobId, b.jobId]);
  });

  it("begins start windows and cancel graces anew", () => {
    const claim = aClaim(db);
    const canceled = anAttempt(db);
    cancelJob(db, { jobId: canceled.jobId, now: 3000, by: "test" });
    grantAmnesty(db, { now: 500_000, leaseMs: 1e6 });
    expect(reapAttempts(db, { ...windows, now: 520_000 })).toEqual([]);
    expect(reapAttempts(db, { ...windows, now: 520_001 })).toMatchObject([{ jobId: claim.jobId, state: "queued" }]);
    expect(reapAttempts(db, { ...windows, now: 590_001 })).toMatchObject([{ state: "canceled" }]);
  });

  it("after the clock went back an hour, lets nothing wait for the old time", () => {
    const hour = 3_600_000;
    const fresh = submit(10 * hour);
    const lease = anAttempt(db, { now: 1000 });
    const error = { code: "docker.failed", message: "It broke.", hint: "" } as const;
    finishAttempt(db, lease, { outcome: { state: "failed", error }, now: 10 * hour, report: null });
    grantAmnesty(db, { now: 9 * hour, leaseMs });
    expect(readJob(db, fresh).runAfterAt).toBe(9 * hour);
    expect(readJob(db, lease.jobId).runAfterAt).toBe(9 * hour + 900_000);
  });

  it("leaves what is due, and what has ended, as it is", () => {
    const due = submit();
    const ended = anAttempt(db);
    finishAttempt(db, ended, { outcome: { state: "succeeded" }, now: 3000, report: null });
    const before = [due, ended.jobId].map((id) => readJob(db, id));
    expect(grantAmnesty(db, { now: 500_000, leaseMs })).toBe(0);
    expect([due, ended.jobId].map((id) => readJob(db, id))).toEqual(before);
  });
});

describe("a new session", () => {
  const again = (change = {}) => {
    const { name: _name, systemId: _id, ...facts } = aRegistration(change);
    return facts;
  };

  it("of another boot loses what the runner held: the started counts, the unconfirmed does not", () => {
    const runnerId = aRunner(db);
    const started = anAttempt(db, { runnerId });
    const unconfirmed = aClaim(db, { runnerId });
    const others = anAttempt(db);
    expect(openSession(db, { runnerId, facts: again(), now: 5000 })).toEqual([
      { jobId: started.jobId, attempt: 1, state: "queued" },
      { jobId: unconfirmed.jobId, attempt: 1, state: "queued" },
    ]);
    expect([started, unconfirmed].map(({ jobId }) => readJob(db, jobId).uncounted)).toEqual([0, 1]);
    expect(readJob(db, others.jobId).state).toBe("running");
    expect(() => extendLease(db, started, { now: 5001, leaseMs })).toThrow(
      expect.objectContaining({ code: "lease.lost" }),
    );
  });

  it("of the same boot keeps what the runner holds", () => {
    const runnerId = aRunner(db);
    const { jobId } = anAttempt(db, { runnerId });
    const bootId = findRunner(db, runnerId)?.bootId;
    expect(openSession(db, { runnerId, facts: again({ bootId }), now: 5000 })).toEqual([]);
    expect(readJob(db, jobId).state).toBe("running");
  });

  it("ends draining and pauses, and takes the new facts", () => {
    const runnerId = aRunner(db);
    db.update(runners).set({ drainAskedAt: 1, isDraining: true, paused: "full" }).run();
    openSession(db, { runnerId, facts: again({ slots: 9, labels: { zone: "b" } }), now: 5000 });
    expect(findRunner(db, runnerId)).toMatchObject({
      ...{ drainAskedAt: null, isDraining: false, paused: null, slots: 9 },
      ...{ labels: { zone: "b" }, lastSeenAt: 5000 },
    });
  });

  it("of a runner that was removed is refused", () => {
    const runnerId = aRunner(db);
    db.update(runners).set({ removedAt: 1 }).run();
    expect(() => openSession(db, { runnerId, facts: again(), now: 5000 })).toThrow(
      expect.objectContaining({ code: "runner.not-found" }),
    );
  });
});

describe("registering", () => {
  it("the same system again gives the same runner with a new token, and loses what it held", () => {
    const registration = aRegistration();
    const first = registerRunner(db, { registration, tokenHash: "one", now: 1000 });
    const { jobId } = anAttempt(db, { runnerId: first.id });
    const renamed = { ...aRegistration({ name: "host-b" }), systemId: registration.systemId };
    expect(registerRunner(db, { registration: renamed, tokenHash: "two", now: 2000 })).toEqual({
      id: first.id,
      lost: [{ jobId, attempt: 1, state: "queued" }],
    });
    expect(findRunnerByToken(db, "one")).toBeUndefined();
    expect(findRunnerByToken(db, "two")).toMatchObject({ id: first.id, name: "host-b", registeredAt: 1000 });
  });

  it("brings back one that was removed", () => {
    const registration = aRegistration();
    const { id } = registerRunner(db, { registration, tokenHash: "one", now: 1000 });
    db.update(runners).set({ removedAt: 1 }).run();
    expect(findRunner(db, id)).toBeUndefined();
    expect(registerRunner(db, { registration, tokenHash: "two", now: 2000 }).id).toBe(id);
    expect(findRunner(db, id)?.id).toBe(id);
  });
});

describe("the queue's limit", () => {
  const queueMs = 86_400_000;

  it("ends a job that nobody took for a day, and no other", () => {
    const old = submit(1000);
    const young = submit(2000);
    const atWork = anAttempt(db, { now: 500 });
    expect(expireJobs(db, { now: 1000 + queueMs, queueMs })).toEqual([]);
    expect(expireJobs(db, { now: 1001 + queueMs, queueMs })).toEqual([old]);
    expect(readJob(db, old)).toMatchObject({ state: "expired", errorCode: "job.expired", finishedAt: 1001 + queueMs });
    expect([young, atWork.jobId].map((id) => readJob(db, id).state)).toEqual(["queued", "running"]);
  });

  it("counts from when a job was due, not from when it was submitted", () => {
    const id = submit(1000);
    db.update(jobs).set({ runAfterAt: 5000 }).where(eq(jobs.id, id)).run();
    expect(expireJobs(db, { now: 5000 + queueMs, queueMs })).toEqual([]);
    expect(expireJobs(db, { now: 5001 + queueMs, queueMs })).toEqual([id]);
  });

  it("is not put off by runners that give the job back again and again", () => {
    const id = submit(1000);
    for (let now = 2000; now < queueMs; now += queueMs / 8) {
      expect(claimFor(db, aRunner(db), { now })).toHaveLength(1);
      reapAttempts(db, { ...windows, now: now + 20_001 });
    }
    expect(readJob(db, id)).toMatchObject({ uncounted: 8 });
    expect(expireJobs(db, { now: 1001 + queueMs, queueMs })).toEqual([id]);
  });
});

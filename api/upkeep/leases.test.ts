import pino from "pino";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { aRequest } from "../db/builders.ts";
import { cancelJob } from "../db/cancel-job.ts";
import { extendLease } from "../db/extend-lease.ts";
import { type OpenDatabase, openDatabase } from "../db/open.ts";
import { aClaim, anAttempt, aRunner, claimFor } from "../db/queue-builders.ts";
import { readJob } from "../db/read-job.ts";
import { attempts } from "../db/schema.ts";
import { startAttempt } from "../db/start-attempt.ts";
import { submitJob } from "../db/submit-job.ts";
import { keepLeases } from "./leases.ts";

const hour = 3_600_000;
const timings = {
  leaseMs: 60_000,
  heartbeatMs: 15_000,
  reapMs: 5000,
  startWindowMs: 20_000,
  cancelGraceMs: 90_000,
  queueMs: hour / 2,
};

let db: OpenDatabase;
let woken: string[];
let lines: string[];
beforeEach(() => {
  db = openDatabase(":memory:");
  woken = [];
  lines = [];
  vi.useFakeTimers({ now: 2000 });
  onTestFinished(() => void vi.useRealTimers());
});

function keep(): () => void {
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const stop = keepLeases({ db, queue: { wake: (id) => void woken.push(id) }, timings, now: Date.now, log });
  onTestFinished(stop);
  return stop;
}

/** Time passes for process and clock alike. */
const pass = (ms: number) => vi.advanceTimersByTime(ms);
/** Only the clock changes, as when somebody sets it, or the process stood still. */
const jump = (ms: number) => vi.setSystemTime(Date.now() + ms);
const releases = () =>
  db
    .select()
    .from(attempts)
    .orderBy(attempts.number)
    .all()
    .map(({ releaseReason }) => releaseReason);
const stateOf = (jobId: string) => readJob(db, jobId).state;

describe("leases", () => {
  it("that were overdue at the start are given a whole one more, and a silent runner loses its job only then", () => {
    const { jobId } = anAttempt(db);
    jump(10 * hour);
    keep();
    pass(59_000);
    expect([stateOf(jobId), woken]).toEqual(["running", []]);
    pass(10_000);
    expect([stateOf(jobId), woken]).toEqual(["queued", [jobId]]);
  });

  it("of runners that beat are never touched", () => {
    keep();
    const lease = anAttempt(db);
    for (let n = 0; n < 40; n++) {
      pass(15_000);
      extendLease(db, lease, { now: Date.now(), leaseMs: timings.leaseMs });
    }
    expect([stateOf(lease.jobId), woken]).toEqual(["running", []]);
  });

  it("are taken from runners that do not, with claims that nobody confirmed and cancels that never end", () => {
    keep();
    pass(60_000);
    const runnerId = aRunner(db);
    const now = Date.now();
    const { id: claimed } = submitJob(db, { request: aRequest(), now });
    expect(claimFor(db, runnerId, { now })).toHaveLength(1);
    const canceling = anAttempt(db, { runnerId });
    extendLease(db, canceling, { now, leaseMs: timings.leaseMs });
    cancelJob(db, { jobId: canceling.jobId, now, by: "test" });
    pass(26_000);
    expect([stateOf(claimed), woken]).toEqual(["queued", [claimed]]);
    for (let n = 0; n < 5; n++) {
      extendLease(db, canceling, { now: Date.now(), leaseMs: timings.leaseMs });
      pass(13_000);
    }
    expect(stateOf(canceling.jobId)).toBe("canceling");
    pass(5000);
    expect(stateOf(canceling.jobId)).toBe("canceled");
  });

  it("stay when the clock goes an hour forwards, and a heartbeat later all is as before", () => {
    keep();
    const lease = anAttempt(db);
    pass(30_000);
    extendLease(db, lease, { now: Date.now(), leaseMs: timings.leaseMs });
    jump(hour);
    pass(15_000);
    extendLease(db, lease, { now: Date.now(), leaseMs: timings.leaseMs });
    pass(45_000);
    expect([stateOf(lease.jobId), woken]).toEqual(["running", []]);
    pass(60_000);
    expect(stateOf(lease.jobId)).toBe("queued");
  });

  it("end in time when the clock goes an hour back, and what is queued does not wait for the old time", () => {
    jump(10 * hour);
    keep();
    const runnerId = aRunner(db);
    const { id: working } = submitJob(db, { request: aRequest(), now: Date.now() });
    claimFor(db, runnerId, { now: Date.now() });
    const { id: waiting } = submitJob(db, { request: aRequest(), now: Date.now() });
    jump(-hour);
    pass(70_000);
    expect(stateOf(working)).toBe("queued");
    expect(claimFor(db, runnerId, { now: Date.now(), slots: 2 }).map(({ jobId }) => jobId)).toEqual([working, waiting]);
  });

  it("that nobody could renew while the server was away are no deaths of their jobs, however often that happens", () => {
    const { jobId } = anAttempt(db, { maxAttempts: 1 });
    for (let outage = 0; outage < 3; outage++) {
      jump(120_000);
      const stop = keep();
      pass(70_000);
      stop();
      expect(readJob(db, jobId)).toMatchObject({ state: "queued", uncounted: outage + 1 });
      const [again] = claimFor(db, aRunner(db), { now: Date.now() });
      if (!again) throw new Error("the job was not handed out again");
      startAttempt(db, again, { now: Date.now(), leaseMs: timings.leaseMs });
    }
    expect(releases()).toEqual(["server-away", "server-away", "server-away", null]);
  });

  it("that were renewed once since the server is back count again", () => {
    const lease = anAttempt(db, { maxAttempts: 1 });
    jump(120_000);
    keep();
    pass(10_000);
    extendLease(db, lease, { now: Date.now(), leaseMs: timings.leaseMs });
    pass(70_000);
    expect(readJob(db, lease.jobId)).toMatchObject({ state: "failed", errorCode: "runner.lost", uncounted: 0 });
  });

  it("of a job that was being canceled end as canceled when its runner dropped it in an outage", () => {
    const { jobId } = anAttempt(db);
    cancelJob(db, { jobId, now: 2000, by: "test" });
    jump(120_000);
    keep();
    pass(70_000);
    expect([stateOf(jobId), woken]).toEqual(["canceled", []]);
  });

  it("are forgiven when the process stood still, as everybody's heartbeats did", () => {
    keep();
    const { jobId } = anAttempt(db);
    pass(10_000);
    jump(10 * 60_000); // SIGSTOP: the clock goes on, the timers come late
    pass(50_000);
    expect([stateOf(jobId), woken]).toEqual(["running", []]);
  });
});

it("what nobody takes expires", () => {
  keep();
  const { id } = submitJob(db, { request: aRequest(), now: 2000 });
  pass(hour / 2 + 10_000);
  expect(readJob(db, id)).toMatchObject({ state: "expired", errorCode: "job.expired" });
});

it("a database that fails is logged, and the next turn is taken all the same", () => {
  keep();
  const { jobId } = aClaim(db);
  pass(70_000);
  expect(stateOf(jobId)).toBe("queued");
  db.close();
  pass(10_000);
  expect(lines.filter((line) => JSON.parse(line).level === 50)).toHaveLength(2);
});

it("nothing happens after it was stopped", () => {
  const stop = keep();
  const { jobId } = anAttempt(db);
  stop();
  pass(10 * hour);
  expect(stateOf(jobId)).toBe("running");
});

import { randomUUID } from "node:crypto";
import pino from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import { aRequest } from "../db/builders.ts";
import { cancelJob } from "../db/cancel-job.ts";
import { finishAttempt } from "../db/finish-attempt.ts";
import { type OpenDatabase, openDatabase, writing } from "../db/open.ts";
import { anAttempt, aRunner } from "../db/queue-builders.ts";
import { readJob } from "../db/read-job.ts";
import { jobs, runners } from "../db/schema.ts";
import { type Submission, submitJob } from "../db/submit-job.ts";
import { createQueue, type JobQueue, type WaitingClaim } from "./job-queue.ts";

let db: OpenDatabase;
let queue: JobQueue;
let clock: number;
let logged: string[];
beforeEach(() => {
  db = openDatabase(":memory:");
  clock = 2000;
  logged = [];
  queue = newQueue();
});

function newQueue(): JobQueue {
  const log = pino({}, { write: (line: string) => void logged.push(line) });
  return createQueue({ db, timings: { pollMs: 20_000, leaseMs: 60_000 }, now: () => clock, log });
}

const submit = (change: Partial<Submission> = {}) => {
  const { id } = submitJob(db, { request: aRequest(), now: clock, ...change });
  queue.wake(id);
  return id;
};

/** A claim that waits; `got` is undefined until it has ended. */
function park(change: Partial<WaitingClaim> & { runnerId: string }) {
  const left = new AbortController();
  const wanted = { claimId: randomUUID(), slots: 1, waitMs: 20_000, signal: left.signal, ...change };
  const waiting: { got?: string[]; leave(): void; ended: Promise<string[]> } = {
    leave: () => left.abort(),
    ended: queue.claim(wanted).then((leases) => {
      waiting.got = leases.map(({ jobId }) => jobId);
      return waiting.got;
    }),
  };
  return waiting;
}

/** Lets what was promised happen. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("a claim that waits", () => {
  it("gets what is there at once", async () => {
    const id = submit();
    expect(await park({ runnerId: aRunner(db) }).ended).toEqual([id]);
    expect(queue.waiting).toBe(0);
  });

  it("gets a job as soon as it is queued, with a token of an attempt", async () => {
    const signal = new AbortController().signal;
    const claim = queue.claim({ runnerId: aRunner(db), claimId: randomUUID(), slots: 1, waitMs: 20_000, signal });
    expect(queue.waiting).toBe(1);
    const id = submit();
    expect(await claim).toMatchObject([{ jobId: id, attempt: 1, token: expect.stringMatching(/^watt_/) }]);
  });

  it("is one of many, and the only one that is woken: the one that has waited longest", async () => {
    const all = [1, 2, 3].map(() => park({ runnerId: aRunner(db) }));
    const id = submit();
    await settle();
    expect(all.map(({ got }) => got)).toEqual([[id], undefined, undefined]);
    expect(queue.waiting).toBe(2);
  });

  it("is woken only for a job that fits", async () => {
    const plain = park({ runnerId: aRunner(db) });
    const labelled = park({ runnerId: aRunner(db, { labels: { zone: "a" } }) });
    const id = submit({ needs: { zone: "a" } });
    await settle();
    expect([plain.got, labelled.got]).toEqual([undefined, [id]]);
  });

  it("passes on a job that its runner does not take", async () => {
    const paused = park({ runnerId: aRunner(db) });
    db.update(runners).set({ paused: "full" }).run();
    const willing = park({ runnerId: aRunner(db) });
    const id = submit();
    await settle();
    expect([paused.got, willing.got]).toEqual([[], [id]]);
  });

  it("waits on when another was faster", async () => {
    const waiting = park({ runnerId: aRunner(db) });
    const other = aRunner(db);
    const { id } = submitJob(db, { request: aRequest(), now: clock });
    queue.wake(id);
    cancelJob(db, { jobId: id, now: clock, by: "test" }); // before the woken one gets its turn
    await settle();
    expect([waiting.got, queue.waiting]).toEqual([undefined, 1]);
    expect(other).not.toBe("");
    const next = submit();
    expect(await waiting.ended).toEqual([next]);
  });

  it("takes several jobs at once", async () => {
    const waiting = park({ runnerId: aRunner(db), slots: 4 });
    const ids = writing(db, (tx) => [1, 2, 3].map(() => submitJob(tx, { request: aRequest(), now: clock }).id));
    for (const id of ids) queue.wake(id);
    expect(await waiting.ended).toEqual(ids);
  });

  it("ends with nothing when its time is over, and never waits longer than the server lets it", async () => {
    expect(await park({ runnerId: aRunner(db), waitMs: 5 }).ended).toEqual([]);
    expect(await park({ runnerId: aRunner(db), waitMs: 0 }).ended).toEqual([]);
    queue = createQueue({ db, timings: { pollMs: 5, leaseMs: 1 }, now: () => clock, log: pino({ level: "silent" }) });
    expect(await park({ runnerId: aRunner(db), waitMs: 3_600_000 }).ended).toEqual([]);
  });

  it("ends when whoever claims is gone, and takes no job with it", async () => {
    const gone = park({ runnerId: aRunner(db) });
    gone.leave();
    expect(await gone.ended).toEqual([]);
    expect(readJob(db, submit()).state).toBe("queued");
    expect(queue.waiting).toBe(0);
  });

  it("that is gone in the moment it is woken leaves the job to the next", async () => {
    const [gone, next] = [park({ runnerId: aRunner(db) }), park({ runnerId: aRunner(db) })];
    const id = submit();
    gone.leave();
    await settle();
    expect([gone.got, next.got]).toEqual([[], [id]]);
    expect(readJob(db, id).attempts).toHaveLength(1);
  });

  it("takes the place of the same claim that came before", async () => {
    const runnerId = aRunner(db);
    const claimId = randomUUID();
    const [first, second] = [park({ runnerId, claimId }), park({ runnerId, claimId })];
    expect(await first.ended).toEqual([]);
    const id = submit();
    expect(await second.ended).toEqual([id]);
  });

  it("is one of at most four of its runner: the oldest ends", async () => {
    const runnerId = aRunner(db, { slots: 9 });
    const other = park({ runnerId: aRunner(db) });
    const all = [1, 2, 3, 4, 5, 6].map(() => park({ runnerId }));
    await settle();
    expect(all.map(({ got }) => got)).toEqual([[], [], undefined, undefined, undefined, undefined]);
    expect([other.got, queue.waiting]).toEqual([undefined, 5]);
  });

  it("ends when its runner has another process", async () => {
    const runnerId = aRunner(db);
    const [mine, other] = [park({ runnerId }), park({ runnerId: aRunner(db) })];
    queue.endFor(runnerId);
    await settle();
    expect([mine.got, other.got]).toEqual([[], undefined]);
  });

  it("ends when the process drains, and later ones get nothing", async () => {
    const waiting = park({ runnerId: aRunner(db) });
    queue.drain();
    expect(await waiting.ended).toEqual([]);
    const id = submit();
    expect(await park({ runnerId: aRunner(db) }).ended).toEqual([]);
    expect(readJob(db, id).state).toBe("queued");
  });
});

describe("a job that rests", () => {
  const error = { code: "docker.failed", message: "It broke.", hint: "" } as const;

  function fail(): string {
    const lease = anAttempt(db);
    finishAttempt(db, lease, { outcome: { state: "failed", error }, now: clock, report: null });
    return lease.jobId;
  }

  it("wakes a claim when it is due, not before", async () => {
    const id = fail();
    const waiting = park({ runnerId: aRunner(db) });
    db.update(jobs)
      .set({ runAfterAt: clock + 30 })
      .run();
    queue.wake(id);
    await settle();
    expect(waiting.got).toBeUndefined();
    clock += 30;
    expect(await waiting.ended).toEqual([id]);
  });

  it("is known to the next process", async () => {
    const id = fail();
    db.update(jobs)
      .set({ runAfterAt: clock + 30 })
      .run();
    queue = newQueue();
    const waiting = park({ runnerId: aRunner(db) });
    clock += 30;
    expect(await waiting.ended).toEqual([id]);
  });
});

describe("a database that fails", () => {
  const breakJobs = (event: string) =>
    db.run(`create trigger broken before ${event} on jobs begin select raise(abort, 'out of order'); end`);
  const mend = () => db.run("drop trigger broken");
  const errors = () => logged.filter((line) => JSON.parse(line).level === 50).length;

  it("while a woken claim takes its job fails that claim, and another is woken a second later", async () => {
    const [first, second] = [park({ runnerId: aRunner(db) }), park({ runnerId: aRunner(db) })];
    const { id } = submitJob(db, { request: aRequest(), now: clock });
    breakJobs("update");
    queue.wake(id);
    await expect(first.ended).rejects.toThrow("out of order");
    expect([second.got, queue.waiting]).toEqual([undefined, 1]);
    mend();
    clock += 1000;
    expect(await second.ended).toEqual([id]);
  });

  it("while a job wakes is logged and nobody's error, and the wake is repeated", async () => {
    const waiting = park({ runnerId: aRunner(db) });
    const { id } = submitJob(db, { request: aRequest(), now: clock });
    db.run("alter table jobs rename to elsewhere");
    queue.wake(id);
    expect(errors()).toBe(1);
    db.run("alter table elsewhere rename to jobs");
    clock += 1000;
    expect(await waiting.ended).toEqual([id]);
  });

  it("is not asked again once the process drains", async () => {
    const id = submit();
    db.close();
    queue.wake(id);
    expect(errors()).toBe(1);
    queue.drain();
    queue.wake(id);
    expect(errors()).toBe(1);
  });
});

import { eq, sql } from "drizzle-orm";
import { beforeEach, describe, expect, it } from "vitest";
import type { Labels } from "#contract/service/runner-protocol.ts";
import { beatRunner } from "./beat-runner.ts";
import { aRequest } from "./builders.ts";
import { cancelJob } from "./cancel-job.ts";
import { findAttempt, findAttemptByToken, isAtWork } from "./find-attempt.ts";
import { findRunner } from "./find-runner.ts";
import { type OpenDatabase, openDatabase } from "./open.ts";
import { aClaim, aRunner, claimFor, leaseMs } from "./queue-builders.ts";
import { readJob } from "./read-job.ts";
import { reapAttempts } from "./reap-attempts.ts";
import { releaseAttempt } from "./release-attempt.ts";
import { jobs, runners } from "./schema.ts";
import { startAttempt } from "./start-attempt.ts";
import { type Submission, submitJob } from "./submit-job.ts";

let db: OpenDatabase;
beforeEach(() => {
  db = openDatabase(":memory:");
});

const submit = (change: Partial<Submission> = {}) => submitJob(db, { request: aRequest(), now: 1000, ...change }).id;
const ids = (leases: { jobId: string }[]) => leases.map(({ jobId }) => jobId);

describe("a claim", () => {
  it("gives as many jobs as it asks for, the highest priority first, then the oldest", () => {
    const [old, young, urgent] = [submit(), submit(), submit({ priority: 5 })];
    const runner = aRunner(db);
    expect(ids(claimFor(db, runner, { slots: 2 }))).toEqual([urgent, old]);
    expect(ids(claimFor(db, runner, { slots: 2 }))).toEqual([young]);
    expect(claimFor(db, runner)).toEqual([]);
  });

  it("carries request, attempt, lease and a token of its own for each job", () => {
    const request = aRequest({ image: "db:2", tags: ["small"] });
    submit({ request, force: true });
    submit();
    const [first, second] = claimFor(db, aRunner(db), { slots: 2 });
    expect(first).toMatchObject({ attempt: 1, lease: 1, request, force: true, expiresAt: 62_000 });
    expect(first?.token).not.toBe(second?.token);
    expect(findAttemptByToken(db, `hash of ${first?.token}`)).toMatchObject({ jobId: first?.jobId, state: "claimed" });
  });

  it("never gives a runner more than it has room for", () => {
    const all = [1, 2, 3].map(() => submit());
    const runner = aRunner(db, { slots: 2 });
    expect(ids(claimFor(db, runner, { slots: 8 }))).toEqual(all.slice(0, 2));
    expect(claimFor(db, runner, { slots: 8 })).toEqual([]);
    expect(ids(claimFor(db, aRunner(db)))).toEqual(all.slice(2));
  });

  it("gives no job before its time", () => {
    const id = submit();
    db.update(jobs).set({ runAfterAt: 5000 }).run();
    expect(claimFor(db, aRunner(db), { now: 4999 })).toEqual([]);
    expect(ids(claimFor(db, aRunner(db), { now: 5000 }))).toEqual([id]);
  });

  it("that gets nothing writes nothing and does not wait for who writes", () => {
    const runner = aRunner(db);
    const changes = () => db.get<{ n: number }>("select total_changes() as n")?.n;
    const before = changes();
    expect(claimFor(db, runner)).toEqual([]);
    expect(changes()).toBe(before);
  });

  it("of a runner that nobody knows gives nothing", () => {
    submit();
    expect(claimFor(db, "run_none")).toEqual([]);
  });
});

describe("a repeated claim", () => {
  const claimId = "the same";

  it("gives the same attempts with new tokens and whole leases, and no job twice", () => {
    const all = [submit(), submit(), submit()];
    const runner = aRunner(db);
    const first = claimFor(db, runner, { claimId, slots: 2 });
    const again = claimFor(db, runner, { claimId, slots: 2, now: 9000 });
    expect(again).toEqual(first.map((one) => ({ ...one, token: expect.any(String), expiresAt: 69_000 })));
    expect(again.map(({ token }) => token)).not.toEqual(first.map(({ token }) => token));
    expect(readJob(db, all[2] ?? "").state).toBe("queued");
    expect(findAttemptByToken(db, `hash of ${first[0]?.token}`)).toBeUndefined();
    expect(readJob(db, all[0] ?? "").attempts).toHaveLength(1);
  });

  it("begins the start window anew", () => {
    submit();
    const runner = aRunner(db);
    claimFor(db, runner, { claimId });
    claimFor(db, runner, { claimId, now: 20_000 });
    expect(reapAttempts(db, { now: 40_000, startWindowMs: 20_000 })).toEqual([]);
    expect(reapAttempts(db, { now: 40_001, startWindowMs: 20_000 })).toMatchObject([{ state: "queued" }]);
  });

  it("does not give what was started, nor anything instead", () => {
    const [first] = [submit(), submit()];
    const runner = aRunner(db);
    const [lease] = claimFor(db, runner, { claimId });
    if (!lease) throw new Error("nothing was claimed");
    startAttempt(db, lease, { now: 2100, leaseMs });
    expect(claimFor(db, runner, { claimId })).toEqual([]);
    expect(readJob(db, first ?? "").attempts).toHaveLength(1);
  });

  it("gives jobs again after the first were taken back", () => {
    const id = submit();
    const runner = aRunner(db);
    claimFor(db, runner, { claimId });
    reapAttempts(db, { now: 30_000, startWindowMs: 20_000 });
    expect(claimFor(db, runner, { claimId, now: 31_000 })).toMatchObject([{ jobId: id, attempt: 2, lease: 2 }]);
    expect(readJob(db, id).uncounted).toBe(1);
  });

  it("of another runner is another claim", () => {
    submit();
    claimFor(db, aRunner(db), { claimId });
    expect(claimFor(db, aRunner(db), { claimId })).toEqual([]);
  });
});

describe("matching", () => {
  it("wants every label of the job with its value", () => {
    const id = submit({ needs: { zone: "a", gpu: "yes" } });
    const unfit: Labels[] = [{}, { zone: "a" }, { zone: "b", gpu: "yes" }, { ZONE: "a", gpu: "yes" }];
    for (const labels of unfit) expect(claimFor(db, aRunner(db, { labels }))).toEqual([]);
    expect(ids(claimFor(db, aRunner(db, { labels: { gpu: "yes", zone: "a", more: "1" } })))).toEqual([id]);
  });

  it("passes over what does not fit, whatever its priority", () => {
    submit({ needs: { zone: "b" }, priority: 100 });
    const id = submit();
    expect(ids(claimFor(db, aRunner(db)))).toEqual([id]);
  });

  it("looks at the architecture once it is known", () => {
    const id = submit();
    db.update(jobs).set({ architecture: "arm64" }).run();
    expect(claimFor(db, aRunner(db))).toEqual([]);
    const both = { version: "27.0", storage: "overlay2", kernel: "6.1", architectures: ["amd64", "arm64"] };
    expect(ids(claimFor(db, aRunner(db, { engine: both })))).toEqual([id]);
  });

  it("keeps a job from a runner for which it was unfit, and from no other", () => {
    const runnerId = aRunner(db);
    const lease = aClaim(db, { runnerId });
    expect(releaseAttempt(db, lease, { now: 3000, reason: "unfit", detail: "arm64 image" })).toBe("queued");
    expect(claimFor(db, runnerId)).toEqual([]);
    expect(ids(claimFor(db, aRunner(db)))).toEqual([lease.jobId]);
  });

  it.each([
    ["drains", { isDraining: true }],
    ["was asked to drain", { drainAskedAt: 1500 }],
    ["is paused", { paused: "disk below 10 GiB" }],
    ["was removed", { removedAt: 1500 }],
  ])("gives nothing to a runner that %s", (_what, change) => {
    submit();
    const runner = aRunner(db);
    db.update(runners).set(change).where(eq(runners.id, runner)).run();
    expect(claimFor(db, runner)).toEqual([]);
  });

  it("gives nothing after a heartbeat that says so, and again after one that takes it back", () => {
    const id = submit();
    const runnerId = aRunner(db);
    const beat = { runnerId, attempts: [], diskFreeBytes: 1, now: 1500, leaseMs };
    beatRunner(db, { ...beat, draining: false, paused: "disk below 10 GiB" });
    expect(claimFor(db, runnerId)).toEqual([]);
    expect(findRunner(db, runnerId)).toMatchObject({ paused: "disk below 10 GiB", lastSeenAt: 1500, diskFreeBytes: 1 });
    beatRunner(db, { ...beat, draining: false, paused: null });
    expect(ids(claimFor(db, runnerId))).toEqual([id]);
  });
});

describe("a job that cannot be read", () => {
  const spoil = (id: string, column: string, text: string) =>
    db.run(sql`update jobs set ${sql.identifier(column)} = ${text} where id = ${id}`);
  const stateOf = (id: string) => db.get(sql`select state, error_code from jobs where id = ${id}`);

  it.each([
    ["is no request", "request", '{"kind":"slim","image":""}'],
    ["is no JSON", "request", "{"],
    ["has needs that are no JSON, and no request", "needs", "{"],
  ])("because it %s fails as internal and holds nothing up", (_what, column, text) => {
    const bad = submit({ priority: 50 });
    const good = [submit(), submit()];
    spoil(bad, "request", "[]");
    spoil(bad, column, text);
    expect(ids(claimFor(db, aRunner(db), { slots: 2 }))).toEqual(good);
    expect(stateOf(bad)).toEqual({ state: "failed", error_code: "internal" });
  });

  it("does not use up a slot, and has no attempt", () => {
    const bad = submit({ priority: 50 });
    spoil(bad, "request", "[]");
    const good = submit();
    expect(ids(claimFor(db, aRunner(db)))).toEqual([good]);
    expect(findAttempt(db, { jobId: bad, attempt: 1 })).toBeUndefined();
  });
});

describe("starting", () => {
  it("makes the attempt run with a whole lease", () => {
    const claim = aClaim(db);
    expect(readJob(db, claim.jobId)).toMatchObject({ state: "running", startedAt: null });
    expect(startAttempt(db, claim, { now: 9000, leaseMs })).toEqual({ expiresAt: 69_000 });
    expect(readJob(db, claim.jobId)).toMatchObject({
      startedAt: 9000,
      leaseExpiresAt: 69_000,
      attempts: [{ state: "running", startedAt: 9000 }],
    });
  });

  it("again says the same, and keeps when it was", () => {
    const claim = aClaim(db);
    startAttempt(db, claim, { now: 9000, leaseMs });
    expect(startAttempt(db, claim, { now: 9500, leaseMs })).toEqual({ expiresAt: 69_500 });
    expect(readJob(db, claim.jobId).attempts).toMatchObject([{ state: "running", startedAt: 9000 }]);
  });

  it("is refused after the claim was taken back, given to another, or canceled", () => {
    const lost = expect.objectContaining({ code: "lease.lost" });
    const claim = aClaim(db);
    reapAttempts(db, { now: 30_000, startWindowMs: 20_000 });
    expect(() => startAttempt(db, claim, { now: 30_001, leaseMs })).toThrow(lost);
    const [other] = claimFor(db, aRunner(db), { now: 30_002 });
    expect(other?.jobId).toBe(claim.jobId);
    expect(() => startAttempt(db, claim, { now: 30_003, leaseMs })).toThrow(lost);
    expect(cancelJob(db, { jobId: claim.jobId, now: 30_004, by: "test" })).toBe("canceled");
    expect(() => startAttempt(db, other ?? claim, { now: 30_005, leaseMs })).toThrow(lost);
    expect(readJob(db, claim.jobId).attempts.map(({ state }) => state)).toEqual(["released", "canceled"]);
  });

  it("shows in whether its holder may write", () => {
    const claim = aClaim(db);
    const may = () => {
      const found = findAttempt(db, claim);
      return found && isAtWork(found);
    };
    expect(may()).toBe(true);
    reapAttempts(db, { now: 30_000, startWindowMs: 20_000 });
    expect(may()).toBe(false);
  });
});

import { and, eq } from "drizzle-orm";
import { beforeEach, describe, expect, it } from "vitest";
import { askFinish } from "./ask-finish.ts";
import { beatRunner } from "./beat-runner.ts";
import { aReport } from "./builders.ts";
import { cancelJob } from "./cancel-job.ts";
import { type Finishing, finishAttempt } from "./finish-attempt.ts";
import { type OpenDatabase, openDatabase } from "./open.ts";
import { aClaim, anAttempt, aRunner, claimFor, leaseMs } from "./queue-builders.ts";
import { readJob } from "./read-job.ts";
import { readReport } from "./read-report.ts";
import { reapAttempts } from "./reap-attempts.ts";
import { releaseAttempt } from "./release-attempt.ts";
import { retryDelayMs } from "./retry-delay.ts";
import { runners, uploads } from "./schema.ts";

let db: OpenDatabase;
beforeEach(() => {
  db = openDatabase(":memory:");
});

const lost = expect.objectContaining({ code: "lease.lost" });
const good: Finishing = { outcome: { state: "succeeded" }, now: 5000, report: null, finishHash: "h1" };
const bad = (code: "docker.failed" | "app.exited" = "docker.failed"): Finishing => ({
  outcome: { state: "failed", error: { code, message: "It broke.", hint: "Mend it." } },
  now: 5000,
  report: null,
  finishHash: "h2",
});
const stateOf = (jobId: string) => readJob(db, jobId).state;

describe("a heartbeat", () => {
  const idle = { draining: false, paused: null, diskFreeBytes: null, leaseMs };

  it("extends all leases of a runner and says what each attempt is to do", () => {
    const runnerId = aRunner(db);
    const [a, b, c, d] = [1, 2, 3, 4].map(() => anAttempt(db, { runnerId }));
    if (!a || !b || !c || !d) throw new Error("four jobs were wanted");
    cancelJob(db, { jobId: b.jobId, now: 3000, by: "test" });
    askFinish(db, { jobId: c.jobId, now: 3000, by: "test" });
    finishAttempt(db, d, good);
    const answer = beatRunner(db, { ...idle, runnerId, attempts: [a, b, c, d], now: 10_000 });
    expect(answer.attempts.map(({ action }) => action)).toEqual([
      "continue",
      "cancel",
      "finish-observation",
      "abandon",
    ]);
    expect(answer.runner).toBe("continue");
    expect([a, b, c].map(({ jobId }) => readJob(db, jobId).leaseExpiresAt)).toEqual([70_000, 70_000, 70_000]);
  });

  it("touches neither state nor history of a job", () => {
    const lease = anAttempt(db);
    const { leaseExpiresAt: _before, ...job } = readJob(db, lease.jobId);
    beatRunner(db, { ...idle, runnerId: job.runner ?? "", attempts: [lease], now: 10_000 });
    const { leaseExpiresAt: _after, ...same } = readJob(db, lease.jobId);
    expect(same).toEqual(job);
  });

  it("brings no life to the lease of another runner, nor to an older one", () => {
    const lease = anAttempt(db);
    const other = aRunner(db);
    const say = (runnerId: string, held: { lease: number }) =>
      beatRunner(db, { ...idle, runnerId, attempts: [{ ...lease, ...held }], now: 10_000 }).attempts[0]?.action;
    expect(say(other, lease)).toBe("abandon");
    expect(say(readJob(db, lease.jobId).runner ?? "", { lease: 0 })).toBe("abandon");
    expect(readJob(db, lease.jobId).leaseExpiresAt).toBe(62_000);
  });

  it("tells a runner to drain when that was asked, and one that was removed that it is unknown", () => {
    const runnerId = aRunner(db);
    db.update(runners).set({ drainAskedAt: 1 }).run();
    expect(beatRunner(db, { ...idle, runnerId, attempts: [], now: 2000 }).runner).toBe("drain");
    db.update(runners).set({ removedAt: 1 }).run();
    expect(() => beatRunner(db, { ...idle, runnerId, attempts: [], now: 3000 })).toThrow(
      expect.objectContaining({ code: "runner.not-found" }),
    );
  });

  it("does not keep a canceled job from its end: the grace is counted from the cancel", () => {
    const lease = anAttempt(db);
    cancelJob(db, { jobId: lease.jobId, now: 3000, by: "test" });
    const runnerId = readJob(db, lease.jobId).runner ?? "";
    for (let now = 3000; now <= 93_000; now += 15_000) {
      beatRunner(db, { ...idle, runnerId, attempts: [lease], now });
      expect(reapAttempts(db, { now, cancelGraceMs: 90_000 })).toEqual([]);
    }
    expect(reapAttempts(db, { now: 93_001, cancelGraceMs: 90_000 })).toMatchObject([{ state: "canceled" }]);
    expect(() => finishAttempt(db, lease, good)).toThrow(lost);
    expect(readJob(db, lease.jobId)).toMatchObject({
      state: "canceled",
      errorCode: "job.canceled",
      finishedAt: 93_001,
    });
  });
});

describe("asking to end the observation", () => {
  it("is heard by the current attempt only", () => {
    const lease = anAttempt(db);
    askFinish(db, { jobId: lease.jobId, now: 3000, by: "test" });
    askFinish(db, { jobId: lease.jobId, now: 4000, by: "test" });
    expect(readJob(db, lease.jobId)).toMatchObject({ finishAskedAt: 3000 });
    finishAttempt(db, lease, bad());
    claimFor(db, aRunner(db), { now: 99_000 });
    expect(readJob(db, lease.jobId)).toMatchObject({ state: "running", finishAskedAt: null });
  });

  it("is refused when nothing is observed", () => {
    const lease = anAttempt(db);
    finishAttempt(db, lease, good);
    for (const [jobId, code] of [
      [lease.jobId, "job.wrong-state"],
      ["job_none", "job.not-found"],
    ] as const)
      expect(() => askFinish(db, { jobId, now: 1, by: "test" })).toThrow(expect.objectContaining({ code }));
  });
});

describe("giving a job back", () => {
  it("queues it where it was and does not count the attempt", () => {
    const lease = anAttempt(db, { maxAttempts: 1 });
    expect(releaseAttempt(db, lease, { now: 3000, reason: "drain", detail: "" })).toBe("queued");
    expect(readJob(db, lease.jobId)).toMatchObject({
      state: "queued",
      runAfterAt: 1000,
      uncounted: 1,
      attempts: [{ state: "released", releaseReason: "drain", finishedAt: 3000 }],
    });
    const [again] = claimFor(db, aRunner(db));
    expect(again).toMatchObject({ attempt: 2, lease: 2 });
    expect(again && finishAttempt(db, again, bad())).toBe("failed");
  });

  it.each(["drain", "disk"] as const)("for %s keeps the runner from claims until its next heartbeat", (reason) => {
    const runnerId = aRunner(db);
    const lease = aClaim(db, { runnerId });
    releaseAttempt(db, lease, { now: 3000, reason, detail: "" });
    expect(claimFor(db, runnerId)).toEqual([]);
    beatRunner(db, { runnerId, attempts: [], draining: false, paused: null, diskFreeBytes: null, leaseMs, now: 4000 });
    expect(claimFor(db, runnerId)).toMatchObject([{ jobId: lease.jobId, attempt: 2 }]);
  });

  it("ends one that was being canceled", () => {
    const lease = anAttempt(db);
    cancelJob(db, { jobId: lease.jobId, now: 2500, by: "test" });
    expect(releaseAttempt(db, lease, { now: 3000, reason: "drain", detail: "" })).toBe("canceled");
    expect(stateOf(lease.jobId)).toBe("canceled");
  });

  it("is refused a second time and after the lease was lost", () => {
    const lease = anAttempt(db);
    releaseAttempt(db, lease, { now: 3000, reason: "drain", detail: "" });
    expect(() => releaseAttempt(db, lease, { now: 3001, reason: "drain", detail: "" })).toThrow(lost);
    expect(readJob(db, lease.jobId).uncounted).toBe(1);
  });
});

describe("a repeated finish", () => {
  it.each([
    ["succeeded", good],
    ["failed", bad("app.exited")],
    ["queued", bad()],
    ["canceled", { ...bad(), outcome: { ...bad().outcome, state: "canceled" } } as Finishing],
  ] as const)("is answered %s again, and changes nothing", (state, finish) => {
    const lease = anAttempt(db);
    expect(finishAttempt(db, lease, finish)).toBe(state);
    const before = readJob(db, lease.jobId);
    expect(finishAttempt(db, lease, { ...finish, now: 9000 })).toBe(state);
    expect(readJob(db, lease.jobId)).toEqual(before);
  });

  it("gets its answer whatever became of the job since", () => {
    const lease = anAttempt(db);
    expect(finishAttempt(db, lease, bad())).toBe("queued");
    const [second] = claimFor(db, aRunner(db), { now: 99_000 });
    expect(finishAttempt(db, lease, bad())).toBe("queued");
    expect(second && finishAttempt(db, second, bad("app.exited"))).toBe("failed");
    expect(finishAttempt(db, lease, bad())).toBe("queued");
  });

  it("with another body, or without a hash, is refused", () => {
    const lease = anAttempt(db);
    finishAttempt(db, lease, good);
    for (const finishHash of ["other", undefined])
      expect(() => finishAttempt(db, lease, { ...good, finishHash })).toThrow(lost);
  });

  it("of an attempt that was lost is refused, though its body is right", () => {
    const lease = anAttempt(db);
    reapAttempts(db, { now: 99_000 });
    expect(() => finishAttempt(db, lease, good)).toThrow(lost);
    expect(stateOf(lease.jobId)).toBe("queued");
  });
});

describe("the result of an attempt", () => {
  const sha256 = "0".repeat(64);
  const upload = (jobId: string, name: string, committedAt: number | null, attempt = 1) =>
    db.insert(uploads).values({ jobId, attempt, name, bytes: 7, sha256, offeredAt: 2500, committedAt }).run();

  it("holds the uploads that were committed, and they are uploads no more", () => {
    const { jobId, ...lease } = anAttempt(db);
    upload(jobId, "report.json", 2600);
    upload(jobId, "torn.json", null);
    upload(jobId, "older.json", 2600, 9);
    finishAttempt(db, { jobId, ...lease }, { ...good, report: aReport() });
    expect(readReport(db, jobId)).toMatchObject({
      summary: { attempt: 1, repository: "docker.io/library/web", verdict: "verified" },
      artifacts: [{ name: "report.json", key: `jobs/${jobId}/1/report.json`, bytes: 7, sha256 }],
    });
    const rest = db.select({ name: uploads.name }).from(uploads).where(eq(uploads.jobId, jobId)).all();
    expect(rest.map(({ name }) => name)).toEqual(["torn.json", "older.json"]);
  });

  it("of an attempt that is tried again is none", () => {
    const { jobId, ...lease } = anAttempt(db);
    upload(jobId, "report.json", 2600);
    finishAttempt(db, { jobId, ...lease }, { ...bad(), report: aReport() });
    expect(readReport(db, jobId)).toEqual({ summary: undefined, artifacts: [] });
    const kept = and(eq(uploads.jobId, jobId), eq(uploads.attempt, 1));
    expect(db.select().from(uploads).where(kept).all()).toHaveLength(1);
  });
});

describe("the rest before a retry", () => {
  it("grows fourfold, is spread by a fifth to both sides, and is never longer than 15 min", () => {
    expect([1, 2, 3, 4, 40].map((failures) => retryDelayMs(failures, 0.5))).toEqual([
      30_000, 120_000, 480_000, 900_000, 900_000,
    ]);
    expect([0, 0.999_999].map((random) => retryDelayMs(1, random))).toEqual([24_000, 36_000]);
    expect(retryDelayMs(9, 0.999)).toBe(900_000);
  });

  it("counts only attempts that counted", () => {
    const lease = anAttempt(db);
    releaseAttempt(db, lease, { now: 3000, reason: "disk", detail: "" });
    const [again] = claimFor(db, aRunner(db));
    if (!again) throw new Error("the job was not handed out again");
    finishAttempt(db, again, { ...bad(), random: 0.5 });
    expect(readJob(db, lease.jobId).runAfterAt).toBe(35_000);
  });
});

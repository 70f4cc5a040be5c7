import { beforeEach, describe, expect, it } from "vitest";
import { aReport, aRequest } from "./builders.ts";
import { cancelJob } from "./cancel-job.ts";
import { claimJob } from "./claim-job.ts";
import { extendLease } from "./extend-lease.ts";
import { type Finishing, finishAttempt } from "./finish-attempt.ts";
import { type OpenDatabase, openDatabase } from "./open.ts";
import { readJob } from "./read-job.ts";
import { readReport } from "./read-report.ts";
import { reapAttempts } from "./reap-attempts.ts";
import { type Submission, submitJob } from "./submit-job.ts";
import type { Lease } from "./take-job.ts";

let db: OpenDatabase;
beforeEach(() => {
  db = openDatabase(":memory:");
});

const submit = (change: Partial<Submission> = {}) => submitJob(db, { request: aRequest(), now: 1000, ...change }).id;
const claim = (now = 2000, jobId?: string) => claimJob(db, { runner: "r1", now, leaseMs: 60_000, jobId });
const stateOf = (jobId: string) => readJob(db, jobId).state;
const statesOf = (jobId: string) => readJob(db, jobId).events.map(({ detail }) => detail.state);
const succeeded: Omit<Finishing, "now"> = { outcome: { state: "succeeded" }, report: null, artifacts: [] };
const failedWith = (code: "docker.failed" | "app.exited") => ({
  outcome: { state: "failed", error: { code, message: "It broke.", hint: "Mend it." } } as const,
  report: null,
  artifacts: [],
});

function aLease(change: Partial<Submission> = {}): Lease {
  const jobId = submit(change);
  const lease = claim(2000, jobId);
  if (!lease) throw new Error("the job was not handed out");
  return lease;
}

describe("submitting", () => {
  it("gives back the active job with the same dedupe key, and a new one once that has ended", () => {
    const first = submitJob(db, { request: aRequest(), now: 1, dedupeKey: "web@1" });
    expect(submitJob(db, { request: aRequest(), now: 2, dedupeKey: "web@1" })).toEqual({ id: first.id, isNew: false });
    cancelJob(db, { jobId: first.id, now: 3, by: "test" });
    expect(submitJob(db, { request: aRequest(), now: 4, dedupeKey: "web@1" }).isNew).toBe(true);
  });

  it("makes ids whose text order is the order of time", () => {
    const ids = [1_700_000_000_000, 1_700_000_000_001, 1_800_000_000_000, 4_000_000_000_000].map((now) =>
      submit({ now }),
    );
    expect([...ids].sort()).toEqual(ids);
    expect(ids.every((id) => /^job_[0-9a-hjkmnp-tv-z]{16}$/.test(id))).toBe(true);
  });
});

describe("claiming", () => {
  it("hands out the highest priority first, then the oldest", () => {
    const [old, young, urgent] = [submit(), submit(), submit({ priority: 5 })];
    expect([claim()?.jobId, claim()?.jobId, claim()?.jobId, claim()]).toEqual([urgent, old, young, undefined]);
  });

  it("carries the whole request, an attempt and a lease that rises with every claim", () => {
    const request = aRequest({ image: "db:2", tags: ["small"] });
    const first = aLease({ request });
    expect(first).toMatchObject({ attempt: 1, lease: 1, expiresAt: 62_000, request });
    reapAttempts(db, { now: 62_001 });
    expect(claim(62_002)).toMatchObject({ jobId: first.jobId, attempt: 2, lease: 2 });
  });

  it("takes no other job than the one asked for", () => {
    const [other, mine] = [submit(), submit()];
    expect(claim(2000, mine)?.jobId).toBe(mine);
    expect(claim(2000, mine)).toBeUndefined();
    expect(stateOf(other)).toBe("queued");
  });

  it("leaves a job alone until its time has come", () => {
    const lease = aLease();
    finishAttempt(db, lease, { ...failedWith("docker.failed"), now: 3000, random: 0.5 });
    expect(claim(32_999)).toBeUndefined();
    expect(claim(33_000)?.attempt).toBe(2);
  });

  it("walks an index without a sort, so that its cost does not grow with the history", () => {
    const plan = db.all<{ detail: string }>(
      "explain query plan select seq from jobs where jobs.state = 'queued' and run_after_at <= 5 order by priority desc, seq asc limit 1",
    );
    expect(plan.map(({ detail }) => detail)).toEqual(["SCAN jobs USING INDEX jobs_queue"]);
  });
});

describe("finishing", () => {
  it("stores state, report, artifacts and event together", () => {
    const lease = aLease();
    const stored = { name: "report.json", key: `jobs/${lease.jobId}/1/report.json`, bytes: 12, sha256: "0".repeat(64) };
    expect(finishAttempt(db, lease, { ...succeeded, now: 5000, report: aReport(), artifacts: [stored] })).toBe(
      "succeeded",
    );
    expect(readJob(db, lease.jobId)).toMatchObject({
      state: "succeeded",
      finishedAt: 5000,
      leaseExpiresAt: null,
      attempts: [{ number: 1, state: "succeeded", finishedAt: 5000 }],
    });
    expect(readReport(db, lease.jobId)).toMatchObject({
      summary: {
        fatBytes: 100 << 20,
        slimBytes: 10 << 20,
        ratio: 10,
        verdict: "verified",
        durationMs: 3500,
        architecture: "amd64",
      },
      artifacts: [stored],
    });
    expect(statesOf(lease.jobId)).toEqual(["queued", "running", "succeeded"]);
  });

  it("keeps code, message and hint of a failure, and the report that came with it", () => {
    const lease = aLease();
    const error = { code: "verify.failed", message: "GET / answered 500.", hint: "Probe more." } as const;
    const report = aReport({ verdict: "failed", verdictReason: "GET / answered 500." });
    expect(finishAttempt(db, lease, { outcome: { state: "failed", error }, now: 5000, report, artifacts: [] })).toBe(
      "failed",
    );
    expect(readJob(db, lease.jobId)).toMatchObject({
      errorCode: error.code,
      errorMessage: error.message,
      errorHint: error.hint,
    });
    expect(readReport(db, lease.jobId).summary).toMatchObject({ verdict: "failed" });
  });

  it("queues a retryable failure again while attempts are left", () => {
    const { jobId } = aLease({ maxAttempts: 2 });
    const held = { jobId, attempt: 1, lease: 1 };
    expect(finishAttempt(db, held, { ...failedWith("docker.failed"), now: 3000 })).toBe("queued");
    const second = claim(40_000);
    expect(second && finishAttempt(db, second, { ...failedWith("docker.failed"), now: 5000 })).toBe("failed");
    expect(readJob(db, jobId).attempts.map(({ state }) => state)).toEqual(["failed", "failed"]);
  });

  it("does not try a failure again that would only repeat itself", () => {
    expect(finishAttempt(db, aLease(), { ...failedWith("app.exited"), now: 3000 })).toBe("failed");
  });

  it("is refused for another lease, another attempt, and a second time, and changes nothing then", () => {
    const lease = aLease();
    const finish = { ...succeeded, now: 5000, report: aReport() };
    for (const stale of [{ lease: 2 }, { lease: 0 }, { attempt: 2 }, { jobId: "job_none" }]) {
      expect(() => finishAttempt(db, { ...lease, ...stale }, finish)).toThrow(
        expect.objectContaining({ code: "lease.lost" }),
      );
    }
    expect(stateOf(lease.jobId)).toBe("running");
    expect(readReport(db, lease.jobId).summary).toBeUndefined();
    finishAttempt(db, lease, finish);
    expect(() => finishAttempt(db, lease, finish)).toThrow(expect.objectContaining({ code: "lease.lost" }));
    expect(statesOf(lease.jobId)).toEqual(["queued", "running", "succeeded"]);
  });

  it("changes nothing when one of its rows is refused", () => {
    const lease = aLease();
    const twice = { name: "a", key: "k", bytes: 1, sha256: "0" };
    expect(() =>
      finishAttempt(db, lease, { ...succeeded, now: 5000, report: aReport(), artifacts: [twice, twice] }),
    ).toThrow();
    expect(stateOf(lease.jobId)).toBe("running");
    expect(readReport(db, lease.jobId)).toEqual({ summary: undefined, artifacts: [] });
  });
});

describe("canceling", () => {
  it("ends a queued job at once and never hands it out", () => {
    const jobId = submit();
    expect(cancelJob(db, { jobId, now: 1500, by: "test" })).toBe("canceled");
    expect(claim()).toBeUndefined();
    expect(readJob(db, jobId).finishedAt).toBe(1500);
  });

  it("reaches a job at work through its heartbeat, which keeps the lease until the runner has cleaned up", () => {
    const lease = aLease();
    expect(extendLease(db, lease, { now: 3000, leaseMs: 60_000 }).isCancelAsked).toBe(false);
    expect(cancelJob(db, { jobId: lease.jobId, now: 3500, by: "test" })).toBe("canceling");
    expect(extendLease(db, lease, { now: 4000, leaseMs: 60_000 })).toMatchObject({
      expiresAt: 64_000,
      isCancelAsked: true,
    });
    const error = { code: "job.canceled", message: "Canceled.", hint: "" } as const;
    expect(
      finishAttempt(db, lease, { outcome: { state: "canceled", error }, now: 5000, report: null, artifacts: [] }),
    ).toBe("canceled");
    expect(statesOf(lease.jobId)).toEqual(["queued", "running", "canceling", "canceled"]);
  });

  it("is not a retry: a job that fails while it is being canceled is canceled", () => {
    const lease = aLease();
    cancelJob(db, { jobId: lease.jobId, now: 3000, by: "test" });
    expect(finishAttempt(db, lease, { ...failedWith("docker.failed"), now: 4000 })).toBe("canceled");
  });

  it("leaves a job that has ended as it is", () => {
    const lease = aLease();
    finishAttempt(db, lease, { ...succeeded, now: 3000 });
    expect(cancelJob(db, { jobId: lease.jobId, now: 4000, by: "test" })).toBe("succeeded");
    expect(() => cancelJob(db, { jobId: "job_none", now: 1, by: "test" })).toThrow(
      expect.objectContaining({ code: "job.not-found" }),
    );
  });
});

describe("reaping", () => {
  it("takes back only what is past its lease, and the silent runner can write no more", () => {
    const silent = aLease();
    const alive = aLease();
    extendLease(db, alive, { now: 50_000, leaseMs: 60_000 });
    expect(reapAttempts(db, { now: 62_000 })).toEqual([]);
    expect(reapAttempts(db, { now: 62_001 })).toEqual([{ jobId: silent.jobId, attempt: 1, state: "queued" }]);
    expect(readJob(db, silent.jobId).attempts).toMatchObject([{ state: "lost" }]);
    expect(() => extendLease(db, silent, { now: 62_002, leaseMs: 1 })).toThrow(
      expect.objectContaining({ code: "lease.lost" }),
    );
    expect(() => finishAttempt(db, silent, { ...succeeded, now: 62_003 })).toThrow(
      expect.objectContaining({ code: "lease.lost" }),
    );
    expect(stateOf(alive.jobId)).toBe("running");
  });

  it("fails a job without attempts left and cancels one that was being canceled", () => {
    const single = aLease({ maxAttempts: 1 });
    const canceled = aLease();
    cancelJob(db, { jobId: canceled.jobId, now: 3000, by: "test" });
    reapAttempts(db, { now: 100_000 });
    expect(readJob(db, single.jobId)).toMatchObject({ state: "failed", errorCode: "runner.lost", finishedAt: 100_000 });
    expect(stateOf(canceled.jobId)).toBe("canceled");
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import type { Verdict } from "#contract/report.ts";
import { aReport, aRequest } from "./builders.ts";
import { cancelJob } from "./cancel-job.ts";
import { finishAttempt } from "./finish-attempt.ts";
import { type OpenDatabase, openDatabase } from "./open.ts";
import { anAttempt, aRunner, claimFor } from "./queue-builders.ts";
import { readJob } from "./read-job.ts";
import { recordSource } from "./record-source.ts";
import { requestHash } from "./request-hash.ts";
import { retryJob } from "./retry-job.ts";
import { type Submission, submitJob } from "./submit-job.ts";
import type { Lease } from "./take-job.ts";

let db: OpenDatabase;
beforeEach(() => {
  db = openDatabase(":memory:");
});

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const sourceOf = (digit: string) => ({ key: digest(digit), chainId: digest("c"), os: "linux", architecture: "amd64" });
const pinned = aRequest({ image: `web@${digest("f")}` });
const workVersion = "0.1.0";

type Work = Partial<Submission> & { verdict?: Verdict; source?: string; version?: string };

/** A job that succeeded with this verdict. */
function worked({ verdict = "verified", source = "5", version = workVersion, ...change }: Work = {}): Lease {
  const lease = anAttempt(db, change);
  recordSource(db, lease, { source: sourceOf(source), workVersion: version });
  finishAttempt(db, lease, { outcome: { state: "succeeded" }, now: 5000, report: aReport({ verdict }) });
  return lease;
}

describe("what a submission writes", () => {
  it("is the repository, the hash of the request and what it needs", () => {
    const { id } = submitJob(db, {
      request: pinned,
      now: 1,
      needs: { b: "2", a: "1" },
      force: true,
      submitter: "tok_1",
    });
    expect(readJob(db, id)).toMatchObject({
      repository: "docker.io/library/web",
      requestHash: requestHash(pinned),
      needs: { a: "1", b: "2" },
      force: true,
      submitter: "tok_1",
    });
  });

  it("has one hash for one request, in whatever order it was written", () => {
    const { image, tags, ...rest } = aRequest({ tags: ["a"] });
    expect(requestHash({ tags, ...rest, image })).toBe(requestHash(aRequest({ tags: ["a"] })));
    expect(requestHash(aRequest({ tags: ["b"] }))).not.toBe(requestHash(aRequest({ tags: ["a"] })));
    expect(requestHash(aRequest())).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("an image that is named by digest", () => {
  it("is answered when it is submitted again", () => {
    const { jobId } = worked({ request: pinned });
    const again = submitJob(db, { request: pinned, now: 9000, workVersion });
    expect(again.isNew).toBe(false);
    expect(readJob(db, again.id)).toMatchObject({
      ...{ state: "succeeded", cachedFrom: jobId, submittedAt: 9000, finishedAt: 9000, attempt: 0 },
      events: [{ detail: { state: "succeeded", cachedFrom: jobId } }],
    });
  });

  it.each<[string, Work, Partial<Submission>]>([
    ["with force", {}, { force: true }],
    ["by another version of Winnow", { version: "0.0.9" }, {}],
    ["where no version will do", {}, { workVersion: undefined }],
    ["with another request", {}, { request: { ...pinned, tags: ["x"] } }],
    ["for runners with other labels", {}, { needs: { arch: "arm" } }],
    ["whose image nothing exercised", { verdict: "not-exercised" }, {}],
    ["whose image is named by tag", { request: aRequest() }, { request: aRequest() }],
  ])("%s is worked on", (_what, before, change) => {
    worked({ request: pinned, ...before });
    expect(submitJob(db, { request: pinned, now: 9000, workVersion, ...change }).isNew).toBe(true);
  });

  it("is answered from the work itself, never from an answer", () => {
    const { jobId } = worked({ request: pinned });
    submitJob(db, { request: pinned, now: 9000, workVersion });
    const third = submitJob(db, { request: pinned, now: 9500, workVersion });
    expect(readJob(db, third.id).cachedFrom).toBe(jobId);
  });

  it("is answered from the newest work", () => {
    worked({ request: pinned });
    const newer = worked({ request: pinned, verdict: "repaired" });
    expect(readJob(db, submitJob(db, { request: pinned, now: 9000, workVersion }).id).cachedFrom).toBe(newer.jobId);
  });

  it("of an info job needs no verdict", () => {
    const request = { ...pinned, kind: "info" as const };
    const lease = anAttempt(db, { request });
    recordSource(db, lease, { source: sourceOf("5"), workVersion });
    finishAttempt(db, lease, { outcome: { state: "succeeded" }, now: 5000, report: null });
    expect(readJob(db, submitJob(db, { request, now: 9000, workVersion }).id).cachedFrom).toBe(lease.jobId);
  });
});

describe("a source that was resolved", () => {
  const resolve = (lease: Lease, source: string, version = workVersion) =>
    recordSource(db, lease, { source: sourceOf(source), workVersion: version }).cachedFrom;

  it("is answered by the same work on the same image, and noted", () => {
    const { jobId } = worked();
    const lease = anAttempt(db);
    expect(resolve(lease, "5")).toBe(jobId);
    expect(readJob(db, lease.jobId)).toMatchObject({ sourceKey: digest("5"), architecture: "amd64", workVersion });
  });

  it("is not when the image, the version or the wish is another", () => {
    worked();
    expect(resolve(anAttempt(db), "6")).toBeUndefined();
    expect(resolve(anAttempt(db), "5", "0.2.0")).toBeUndefined();
    expect(resolve(anAttempt(db, { force: true }), "5")).toBeUndefined();
  });

  it("is refused from who has lost the lease", () => {
    const lease = anAttempt(db);
    finishAttempt(db, lease, { outcome: { state: "succeeded" }, now: 1, report: null });
    expect(() => resolve(lease, "5")).toThrow(expect.objectContaining({ code: "lease.lost" }));
    expect(readJob(db, lease.jobId).sourceKey).toBeNull();
  });

  it("lets the attempt finish with the earlier result, and with no other", () => {
    const earlier = worked();
    const foreign = worked({ source: "6" });
    const lease = anAttempt(db);
    resolve(lease, "5");
    const finish = { outcome: { state: "succeeded" }, now: 9000, report: null } as const;
    for (const cachedFrom of [foreign.jobId, lease.jobId, "job_none"])
      expect(() => finishAttempt(db, lease, { ...finish, cachedFrom })).toThrow(
        expect.objectContaining({ code: "request.invalid" }),
      );
    expect(finishAttempt(db, lease, { ...finish, cachedFrom: earlier.jobId })).toBe("succeeded");
    expect(readJob(db, lease.jobId)).toMatchObject({ state: "succeeded", cachedFrom: earlier.jobId });
  });
});

describe("trying again", () => {
  const failure = { code: "docker.failed", message: "It broke.", hint: "" } as const;
  const by = { now: 9000, by: "test" };

  it("makes a resting job due at once", () => {
    const lease = anAttempt(db);
    finishAttempt(db, lease, { outcome: { state: "failed", error: failure }, now: 8000, report: null });
    expect(claimFor(db, aRunner(db), { now: 9000 })).toEqual([]);
    expect(retryJob(db, { jobId: lease.jobId, ...by })).toEqual({ id: lease.jobId, isNew: false });
    expect(claimFor(db, aRunner(db), { now: 9000 })).toMatchObject([{ jobId: lease.jobId, attempt: 2 }]);
  });

  it("submits the same work anew for a job that has ended, which stays as it is", () => {
    const { id } = submitJob(db, { request: pinned, now: 1, priority: 7, needs: { a: "1" }, maxAttempts: 2 });
    cancelJob(db, { jobId: id, now: 2, by: "test" });
    const again = retryJob(db, { jobId: id, ...by, submitter: "tok_2" });
    expect(again.isNew).toBe(true);
    expect(readJob(db, again.id)).toMatchObject({
      ...{ state: "queued", request: pinned, priority: 7, needs: { a: "1" }, maxAttempts: 2, submitter: "tok_2" },
      events: [{ detail: { state: "queued", retryOf: id } }],
    });
    expect(readJob(db, id)).toMatchObject({ state: "canceled", finishedAt: 2 });
  });

  it("is refused for a job at work, one that succeeded, and none", () => {
    const atWork = anAttempt(db);
    const done = worked();
    for (const [jobId, code] of [
      [atWork.jobId, "job.wrong-state"],
      [done.jobId, "job.wrong-state"],
      ["job_none", "job.not-found"],
    ] as const)
      expect(() => retryJob(db, { jobId, ...by })).toThrow(expect.objectContaining({ code }));
  });
});

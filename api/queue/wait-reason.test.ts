import fc from "fast-check";
import { expect, it } from "vitest";
import { aRequest } from "../db/builders.ts";
import { openDatabase } from "../db/open.ts";
import { aClaim, aRunner, claimFor } from "../db/queue-builders.ts";
import { readNeeds } from "../db/read-needs.ts";
import { readWaitReason } from "../db/read-wait-reason.ts";
import { releaseAttempt } from "../db/release-attempt.ts";
import { jobs } from "../db/schema.ts";
import { submitJob } from "../db/submit-job.ts";
import { fits } from "./fits.ts";
import { type RunnersNow, type WaitingJob, waitReason } from "./wait-reason.ts";

const aJob = (change: Partial<WaitingJob> = {}): WaitingJob => ({
  ...{ needs: {}, architecture: null, runAfterAt: 1000 },
  ...change,
});
const aRunnerNow = (change: Partial<RunnersNow> = {}): RunnersNow => ({
  ...{ count: 1, withRoom: 1, labels: {}, architectures: ["amd64"], isOnline: true, isDraining: false },
  ...{ paused: null, isUnfit: false },
  ...change,
});
const zone = { zone: "a" };

it.each<[string, WaitingJob, RunnersNow[], RegExp]>([
  ["next", aJob(), [aRunnerNow()], /next/],
  ["next", aJob(), [aRunnerNow({ withRoom: 0 }), aRunnerNow()], /next/],
  ["retry-at", aJob({ runAfterAt: 32_000 }), [], /in 30 s/],
  ["retry-at", aJob({ runAfterAt: 902_000 }), [aRunnerNow()], /in 15 min/],
  ["no-runner", aJob(), [], /registered/],
  ["no-runner", aJob(), [aRunnerNow({ isOnline: false })], /only runner/],
  ["no-runner", aJob(), [aRunnerNow({ isOnline: false, count: 2 })], /None of the 2/],
  ["no-runner", aJob(), [aRunnerNow({ isUnfit: true })], /unfit/],
  ["no-runner-with-labels", aJob({ needs: zone }), [aRunnerNow({ labels: { zone: "b" } })], /zone=a/],
  [
    "no-runner-with-labels",
    aJob({ needs: zone }),
    [aRunnerNow(), aRunnerNow({ labels: zone, isOnline: false })],
    /zone/,
  ],
  ["no-runner-for-architecture", aJob({ architecture: "arm64" }), [aRunnerNow()], /arm64/],
  ["draining", aJob(), [aRunnerNow({ isDraining: true })], /draining/],
  ["paused", aJob(), [aRunnerNow({ paused: "disk below 10 GiB" })], /disk below 10 GiB/],
  ["paused", aJob(), [aRunnerNow({ paused: "full" }), aRunnerNow({ isDraining: true })], /full/],
  ["busy", aJob(), [aRunnerNow({ withRoom: 0, count: 3 }), aRunnerNow({ withRoom: 0 })], /All 4 .* busy/],
  ["busy", aJob({ needs: zone }), [aRunnerNow({ labels: zone, withRoom: 0 }), aRunnerNow()], /All 1/],
])("a job waits for the reason %s", (code, job, runners, text) => {
  const reason = waitReason(job, runners, 2000);
  expect(reason.code).toBe(code);
  expect(reason.text).toMatch(text);
});

it("is read with what the runners hold at present", () => {
  const db = openDatabase(":memory:");
  const at = { now: 3000, leaseMs: 60_000 };
  const { id } = submitJob(db, { request: aRequest(), now: 1000 });
  expect(readWaitReason(db, id, at)?.code).toBe("no-runner");
  const runnerId = aRunner(db, { slots: 1 });
  expect(readWaitReason(db, id, at)?.code).toBe("next");
  const lease = aClaim(db, { runnerId });
  expect(readWaitReason(db, id, at)?.code).toBe("busy");
  expect(readWaitReason(db, lease.jobId, at)).toBeNull();
  releaseAttempt(db, lease, { now: 3000, reason: "drain", detail: "" });
  expect(readWaitReason(db, id, at)?.code).toBe("draining");
  expect(readWaitReason(db, id, { ...at, now: 61_001 })?.code).toBe("no-runner");
  expect(readWaitReason(db, "job_none", at)).toBeNull();
  const other = aRunner(db, { slots: 1 });
  expect(readWaitReason(db, id, at)?.code).toBe("next");
  const [again] = claimFor(db, other);
  if (!again) throw new Error("nothing was handed out");
  expect(readWaitReason(db, id, at)?.code).toBe("busy");
  releaseAttempt(db, again, { now: 3000, reason: "unfit", detail: "" });
  expect(readWaitReason(db, again.jobId, at)?.code).toBe("draining");
  expect(readWaitReason(db, id, at)?.code).toBe("next");
});

it("what fits in memory is what the database hands out", () => {
  const labels = fc.dictionary(
    fc.constantFrom("a", "b", "constructor", "a.b/c-1"),
    fc.constantFrom("", "1", "2", "'"),
    {
      maxKeys: 3,
      noNullPrototype: true,
    },
  );
  const architectures = fc.uniqueArray(fc.constantFrom("amd64", "arm64", "s390x"), { minLength: 1 });
  const architecture = fc.constantFrom(null, "amd64", "arm64");
  fc.assert(
    fc.property(labels, labels, architectures, architecture, fc.boolean(), (needs, offered, known, wanted, isUnfit) => {
      const db = openDatabase(":memory:");
      const runner = { version: "1", storage: "overlay2", kernel: "6.1", architectures: known };
      const runnerId = aRunner(db, { labels: offered, engine: runner });
      const { id } = submitJob(db, { request: aRequest(), now: 1000 });
      if (isUnfit)
        for (const lease of claimFor(db, runnerId))
          releaseAttempt(db, lease, { now: 1500, reason: "unfit", detail: "" });
      db.update(jobs).set({ needs, architecture: wanted }).run();
      const job = readNeeds(db, id);
      if (!job) throw new Error("the job is gone");
      const isHandedOut = claimFor(db, runnerId).length === 1;
      expect(fits(job, { id: runnerId, labels: offered, architectures: known })).toBe(isHandedOut);
      db.close();
    }),
    { numRuns: 100 },
  );
});

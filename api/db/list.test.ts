import { beforeEach, expect, it } from "vitest";
import { aReport, aRequest } from "./builders.ts";
import { claimJob } from "./claim-job.ts";
import { findJob } from "./find-job.ts";
import { finishAttempt } from "./finish-attempt.ts";
import { toSummary } from "./job-summary.ts";
import { type OpenDatabase, openDatabase } from "./open.ts";
import { pageJobs } from "./page-jobs.ts";
import { jobs } from "./schema.ts";
import { submitJob } from "./submit-job.ts";

let db: OpenDatabase;
beforeEach(() => {
  db = openDatabase(":memory:");
});

const submit = (image: string, now: number) => submitJob(db, { request: aRequest({ image }), now }).id;

/** A job whose id the test chooses. */
function plant(id: string): void {
  const seed = {
    kind: "slim",
    state: "queued",
    image: "web:1",
    request: aRequest(),
    runAfterAt: 1,
    maxAttempts: 1,
    submittedAt: 1,
  } as const;
  db.insert(jobs)
    .values({ ...seed, id })
    .run();
}

it("jobs are listed newest first, page by page, with the summary of their report", () => {
  const ids = ["a:1", "b:1", "a:1"].map((image, position) => submit(image, 1000 + position));
  const lease = claimJob(db, { runner: "r", now: 2000, leaseMs: 1000 });
  if (!lease) throw new Error("nothing to claim");
  finishAttempt(db, lease, { outcome: { state: "succeeded" }, now: 3000, report: aReport(), artifacts: [] });
  const first = pageJobs(db, { size: 2 });
  expect(first.map(({ job }) => job.id)).toEqual([ids[2], ids[1]]);
  const second = pageJobs(db, { size: 2, before: first[1]?.job.seq });
  expect(second.map(toSummary)).toMatchObject([
    { id: ids[0], state: "succeeded", summary: { fatBytes: 100 << 20, verdict: "verified", ratio: 10 } },
  ]);
  expect(first.map(toSummary)[0]).toMatchObject({ state: "queued", summary: null });
  expect(pageJobs(db, { size: 9, image: "a:1" })).toHaveLength(2);
  expect(pageJobs(db, { size: 9, state: ["succeeded"] })).toHaveLength(1);
});

it("a job is found by its whole id, its beginning or its end", () => {
  plant("job_abc123");
  plant("job_abd456");
  for (const text of ["job_abc123", "abc123", "job_abc", "abc", "ABC", "123"])
    expect(findJob(db, text)).toBe("job_abc123");
  expect(findJob(db, "latest")).toBe("job_abd456");
});

it("a whole id is found even when it begins another one", () => {
  plant("job_abc");
  plant("job_abcd");
  expect(findJob(db, "job_abc")).toBe("job_abc");
});

it.each(["zzz", "", "%", "_bc123", "job_", "abc 123", "job_abc124", "ab"])("no single job fits %j", (text) => {
  plant("job_abc123");
  plant("job_abd456");
  expect(() => findJob(db, text)).toThrow(expect.objectContaining({ code: "job.not-found" }));
});

it("the newest of no jobs is not found", () => {
  expect(() => findJob(db, "latest")).toThrow(expect.objectContaining({ code: "job.not-found" }));
});

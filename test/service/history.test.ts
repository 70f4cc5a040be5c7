import { eq } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { aRequest } from "#api/db/builders.ts";
import { claimJob } from "#api/db/claim-job.ts";
import { finishAttempt } from "#api/db/finish-attempt.ts";
import { type Db, openDatabase } from "#api/db/open.ts";
import { attempts, events, jobs } from "#api/db/schema.ts";
import { submitJob } from "#api/db/submit-job.ts";
import { historyFaults, readHistories } from "./history.ts";

/** A job that was tried twice, and whose history is in order. */
function aHistory(): Db {
  const db = openDatabase(":memory:");
  submitJob(db, { request: aRequest(), now: 1 });
  for (const [now, state] of [
    [10, "failed"],
    [10_000_000, "succeeded"],
  ] as const) {
    const lease = claimJob(db, { runner: "run_a", now, leaseMs: 100 });
    if (!lease) throw new Error("nothing to claim");
    const error = { code: "docker.failed", message: "It failed.", hint: "Try again." } as const;
    const outcome = state === "failed" ? { state, error } : { state };
    finishAttempt(db, lease, { outcome, now: now + 10, report: null, artifacts: [] });
  }
  return db;
}

const faultsOf = (db: Db) => readHistories(db).flatMap(historyFaults).join("\n");

describe("the check of histories", () => {
  it("finds nothing in one that is in order", () => {
    expect(faultsOf(aHistory())).toBe("");
  });

  it.each([
    [
      "a move from a final state",
      (db: Db) => db.update(jobs).set({ state: "queued" }),
      "its events end with succeeded",
    ],
    ["a lost event", (db: Db) => db.delete(events).where(eq(events.seq, 3)), "running became running"],
    ["two winners", (db: Db) => db.update(attempts).set({ state: "succeeded" }), "after an attempt that ended it"],
    [
      "an attempt that was never ended",
      (db: Db) => db.update(attempts).set({ state: "running" }),
      "beside a later one",
    ],
    ["a lease that did not rise", (db: Db) => db.update(attempts).set({ lease: 1 }), "a lease fell"],
    ["an attempt too many", (db: Db) => db.update(jobs).set({ maxAttempts: 1 }), "more than 1 attempts count"],
    ["an end without a time", (db: Db) => db.update(jobs).set({ finishedAt: null }), "finishedAt is null"],
    ["a lease of nobody", (db: Db) => db.update(jobs).set({ leaseExpiresAt: 5 }), "with or without a lease"],
  ])("finds %s", (_, spoil, fault) => {
    const db = aHistory();
    spoil(db).run();
    expect(faultsOf(db)).toContain(fault);
  });
});

import { eq, sql } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { aRequest } from "./builders.ts";
import { openDatabase, writing } from "./open.ts";
import { prepared } from "./prepared.ts";
import { jobs } from "./schema.ts";
import { submitJob } from "./submit-job.ts";

describe("a prepared query", () => {
  const made: unknown[] = [];
  const stateOf = prepared((db) => {
    made.push(db);
    return db
      .select({ state: jobs.state })
      .from(jobs)
      .where(eq(jobs.id, sql.placeholder("id")))
      .prepare();
  });

  it("is put together once for a database and all its transactions, and sees what they wrote", () => {
    const db = openDatabase(":memory:");
    const { id } = submitJob(db, { request: aRequest(), now: 1 });
    const attempt = () =>
      writing(db, (tx) => {
        tx.update(jobs).set({ state: "canceled" }).run();
        expect(writing(tx, (inner) => stateOf(inner).get({ id }))).toEqual({ state: "canceled" });
        throw new Error("rolled back");
      });
    expect(attempt).toThrow("rolled back");
    expect(stateOf(db).get({ id })).toEqual({ state: "queued" });
    expect(made).toEqual([db]);
  });

  it("is another for another database", () => {
    expect(stateOf(openDatabase(":memory:")).get({ id: "job_a" })).toBeUndefined();
    expect(made).toHaveLength(2);
  });
});

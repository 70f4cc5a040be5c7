import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, describe, expect, it } from "vitest";
import { projectRoot } from "../root.ts";
import { checkDatabase } from "./check-database.ts";
import { listImages } from "./list-images.ts";
import { openDatabase } from "./open.ts";
import { pageJobs } from "./page-jobs.ts";
import { readJobView } from "./read-job-view.ts";
import { readReport } from "./read-report.ts";
import { readTrend } from "./read-trend.ts";
import { reapAttempts } from "./reap-attempts.ts";

const root = mkdtempSync(join(tmpdir(), "winnow-upgrade-"));
afterAll(() => rmSync(root, { recursive: true }));

/** A database as the release before the service left it; its fixture says how it was made. */
function anOldState(): string {
  const file = join(mkdtempSync(join(root, "case-")), "winnow.db");
  copyFileSync(join(projectRoot(), "test/fixtures/database-before-service.db"), file);
  return file;
}

/** All rows of the tables that there were, with the columns that they had. */
function contents(file: string, columns?: Map<string, string[]>) {
  const client = new Database(file, { readonly: true });
  const tables = ["jobs", "attempts", "reports", "artifacts", "events"].map((table) => {
    const ofTable = client.prepare<[string], string>("select name from pragma_table_info(?)").pluck();
    const names = columns?.get(table) ?? ofTable.all(table);
    return [table, names, client.prepare(`select ${names.join(", ")} from ${table} order by rowid`).all()] as const;
  });
  client.close();
  return { columns: new Map(tables.map(([table, names]) => [table, names])), rows: tables.map(([, , rows]) => rows) };
}

describe("a database of the release before the service", () => {
  it("keeps every row and column, and is in order", () => {
    const file = anOldState();
    const before = contents(file);
    expect(checkDatabase(file).migrations).toMatchObject({ applied: 1 });
    openDatabase(file).close();
    expect(contents(file, before.columns).rows).toEqual(before.rows);
    expect(checkDatabase(file)).toMatchObject({ migrations: { pending: 0 }, rows: { jobs: 6, reports: 1, tokens: 0 } });
  });

  it("is read by what reads today's", () => {
    const db = openDatabase(anOldState());
    const jobs = pageJobs(db, { size: 10 }).map(({ job }) => job);
    expect(jobs.map(({ state }) => state)).toEqual(["queued", "running", "canceled", "queued", "failed", "succeeded"]);
    const views = jobs.map(({ id }) => readJobView(db, id));
    expect(views.at(-1)).toMatchObject({
      ...{ image: "registry.example:5000/shop:1.4", summary: { verdict: "verified" }, needs: {}, cachedFrom: null },
      history: [{ number: 1, state: "succeeded" }],
    });
    expect(readReport(db, jobs.at(-1)?.id ?? "").artifacts.map(({ removedAt }) => removedAt)).toEqual([
      null,
      null,
      null,
    ]);
    db.close();
  });

  it("has its jobs and reports under their repositories, however often it is opened", () => {
    const file = anOldState();
    openDatabase(file).close();
    const db = openDatabase(file);
    const images = listImages(db, { size: 10 });
    expect(images.reduce((sum, image) => sum + image.jobs, 0)).toBe(6);
    const shop = images.find(({ repository }) => repository === "registry.example:5000/shop");
    expect(shop).toMatchObject({ last: { verdict: "verified" } });
    expect(readTrend(db, "registry.example:5000/shop")).toHaveLength(1);
    db.close();
  });

  it("goes on with its queue: what ran when it was left is lost and tried again", () => {
    const db = openDatabase(anOldState());
    const [reaped, ...more] = reapAttempts(db, {
      now: 1_796_000_000_000,
      startWindowMs: 20_000,
      cancelGraceMs: 90_000,
    });
    expect([reaped?.state, more]).toEqual(["queued", []]);
    db.close();
  });
});

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import Database from "better-sqlite3";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/better-sqlite3";
import { migrate } from "drizzle-orm/better-sqlite3/migrator";
import { afterAll, describe, expect, it } from "vitest";
import { projectRoot } from "../root.ts";
import { aRequest } from "./builders.ts";
import { migrateDatabase } from "./migrate.ts";
import { openDatabase } from "./open.ts";
import { pageJobs } from "./page-jobs.ts";
import { submitJob } from "./submit-job.ts";

const root = mkdtempSync(join(tmpdir(), "winnow-db-"));
afterAll(() => rmSync(root, { recursive: true }));
const place = () => mkdtempSync(join(root, "case-"));

/** What drizzle-kit generates when a column of a table with children changes: the table is made anew. */
const rebuild = `PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE __new_parents (id integer primary key, name text not null);--> statement-breakpoint
INSERT INTO __new_parents (id, name) SELECT id, name FROM parents;--> statement-breakpoint
DROP TABLE parents;--> statement-breakpoint
ALTER TABLE __new_parents RENAME TO parents;--> statement-breakpoint
PRAGMA foreign_keys=ON;`;

const family = `CREATE TABLE parents (id integer primary key, name text);--> statement-breakpoint
CREATE TABLE children (id integer primary key, parent integer not null references parents(id) on delete cascade);`;

/** A migrations folder as drizzle-kit writes it. */
function migrationsOf(...scripts: string[]): string {
  const folder = place();
  mkdirSync(join(folder, "meta"));
  const entries = scripts.map((sql, idx) => {
    writeFileSync(join(folder, `000${idx}_step.sql`), sql);
    return { idx, version: "6", when: 1000 + idx, tag: `000${idx}_step`, breakpoints: true };
  });
  writeFileSync(join(folder, "meta/_journal.json"), JSON.stringify({ version: "7", dialect: "sqlite", entries }));
  return folder;
}

/** Two parents with three children, at the first migration. */
function aFamily(): Database.Database {
  const client = new Database(join(place(), "family.db"));
  migrateDatabase(client, { folder: migrationsOf(family) });
  client.exec("insert into parents values (1, 'a'), (2, 'b'); insert into children values (1, 1), (2, 1), (3, 2)");
  return client;
}

const count = (client: Database.Database, table: string) =>
  client.prepare(`select count(*) from ${table}`).pluck().get();

describe("an opened database", () => {
  it("has its settings made explicit", () => {
    const file = join(place(), "state", "winnow.db");
    const db = openDatabase(file);
    const setting = (name: string) => Object.values(db.get<Record<string, unknown>>(`pragma ${name}`) ?? {})[0];
    expect(["journal_mode", "synchronous", "busy_timeout", "foreign_keys"].map(setting)).toEqual(["wal", 1, 5000, 1]);
    db.close();
  });

  it("is for its owner alone, with the files that SQLite adds", () => {
    const folder = join(place(), "state");
    const db = openDatabase(join(folder, "winnow.db"));
    submitJob(db, { request: aRequest(), now: 1 });
    const modes = ["", "-wal", "-shm"].map((end) => statSync(join(folder, `winnow.db${end}`)).mode & 0o777);
    expect([...modes, statSync(folder).mode & 0o777]).toEqual([0o600, 0o600, 0o600, 0o700]);
    db.close();
  });

  it("keeps what was written, for a second and for a read-only opening", () => {
    const file = join(place(), "winnow.db");
    const first = openDatabase(file);
    const { id } = submitJob(first, { request: aRequest(), now: 1 });
    first.close();
    const reader = openDatabase(file, { readonly: true });
    expect(pageJobs(reader, { size: 5 })).toMatchObject([{ job: { id } }]);
    expect(() => submitJob(reader, { request: aRequest(), now: 2 })).toThrow(/readonly/);
    reader.close();
  });

  it("holds the tables that the schema describes", () => {
    // drizzle-kit finds nothing to generate when the migrations and the schema agree.
    const out = place();
    cpSync(join(projectRoot(), "migrations"), out, { recursive: true });
    const printed = execFileSync(
      process.execPath,
      [
        "node_modules/drizzle-kit/bin.cjs",
        "generate",
        "--dialect=sqlite",
        "--schema=./api/db/schema.ts",
        `--out=${relative(projectRoot(), out)}`,
      ],
      { cwd: projectRoot(), encoding: "utf8" },
    );
    expect(printed).toContain("No schema changes");
  });

  it("refuses a database that a newer version has migrated, and leaves it as it was", () => {
    const file = join(place(), "winnow.db");
    openDatabase(file).close();
    const client = new Database(file);
    client.prepare("insert into __drizzle_migrations (hash, created_at) values ('from the future', 9e15)").run();
    client.pragma("wal_checkpoint(truncate)");
    client.close();
    const before = readFileSync(file);
    expect(() => openDatabase(file)).toThrow(expect.objectContaining({ code: "database.newer" }));
    expect(() => openDatabase(file, { readonly: true })).toThrow(expect.objectContaining({ code: "database.newer" }));
    expect(Buffer.compare(readFileSync(file), before)).toBe(0);
  });
});

describe("migrating", () => {
  it("rebuilds a parent table and keeps the children, which drizzle's own migrator loses", () => {
    const folder = migrationsOf(family, rebuild);
    const theirs = aFamily();
    theirs.pragma("foreign_keys = ON");
    migrate(drizzle({ client: theirs }), { migrationsFolder: folder });
    expect([count(theirs, "parents"), count(theirs, "children")]).toEqual([2, 0]); // the trap is still there

    const ours = aFamily();
    ours.pragma("foreign_keys = ON");
    migrateDatabase(ours, { folder });
    expect([count(ours, "parents"), count(ours, "children")]).toEqual([2, 3]);
    expect(count(ours, "__drizzle_migrations")).toBe(2);
  });

  it.each([
    ["loses rows", "DELETE FROM children WHERE id = 3;"],
    ["drops a table that holds rows", "DROP TABLE children;"],
    ["leaves a row pointing nowhere", "UPDATE children SET parent = 9 WHERE id = 3;"],
    ["fails half-way", "INSERT INTO parents VALUES (3, 'c');--> statement-breakpoint\nINSERT INTO nowhere VALUES (1);"],
  ])("changes nothing when a step %s", (_what, step) => {
    const client = aFamily();
    expect(() =>
      migrateDatabase(client, { folder: migrationsOf(family, "CREATE TABLE extra (id integer);", step) }),
    ).toThrow();
    expect([count(client, "parents"), count(client, "children"), count(client, "__drizzle_migrations")]).toEqual([
      2, 3, 1,
    ]);
    expect(client.prepare("select 1 from sqlite_schema where name = 'extra'").get()).toBeUndefined();
    expect(client.prepare("select parent from children where id = 3").pluck().get()).toBe(2);
  });

  it("refuses a database whose migration is not the one that we have", () => {
    const client = aFamily();
    const edited = migrationsOf(`${family} -- edited after it was merged`);
    expect(() => migrateDatabase(client, { folder: edited })).toThrow(
      expect.objectContaining({ code: "database.newer" }),
    );
  });
});

describe("several processes", () => {
  it("open one new database at once and share 400 jobs without a busy error or a job claimed twice", async () => {
    const file = join(place(), "winnow.db");
    const script = `
      const { openDatabase } = await import(${JSON.stringify(moduleUrl("open.ts"))});
      const { submitJob } = await import(${JSON.stringify(moduleUrl("submit-job.ts"))});
      const { claimJob } = await import(${JSON.stringify(moduleUrl("claim-job.ts"))});
      const { aRequest } = await import(${JSON.stringify(moduleUrl("builders.ts"))});
      const db = openDatabase(process.argv[1]);
      for (let n = 0; n < 100; n++) submitJob(db, { request: aRequest(), now: n });
      const claimed = [];
      for (let lease; (lease = claimJob(db, { runner: String(process.pid), now: 1e6, leaseMs: 1 })); ) claimed.push(lease.jobId);
      console.log(claimed.join("\\n"));
    `;
    const workers = [1, 2, 3, 4].map(async () => {
      const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script, file], {
        cwd: projectRoot(),
      });
      const [claimed, complaint] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
      expect(complaint).toBe("");
      return claimed.split("\n").filter(Boolean);
    });
    const claimed = (await Promise.all(workers)).flat();
    expect(claimed).toHaveLength(400);
    expect(new Set(claimed).size).toBe(400);
  });
});

describe("a statement that came before", () => {
  it("gives rows in the form that is asked for, whatever was asked before", () => {
    const db = openDatabase(":memory:");
    const { id } = submitJob(db, { request: aRequest(), now: 1 });
    const query = sql`select id, state from jobs`;
    const asObjects = [{ id, state: "queued" }];
    expect(db.all(query)).toEqual(asObjects);
    expect(db.values(query)).toEqual([[id, "queued"]]);
    expect(db.all(query)).toEqual(asObjects);
    expect(db.get(query)).toEqual(asObjects[0]);
  });

  it("sees a column that was added since", () => {
    const file = join(place(), "winnow.db");
    const [db, other] = [openDatabase(file), new Database(file)];
    const query = sql`select * from tokens`;
    expect(db.all(query)).toEqual([]);
    other.exec("alter table tokens add column colour text default 'red'");
    other.exec("insert into tokens (id, name, scope, hash, last_four, created_at, expires_at) values (1,1,1,1,1,1,1)");
    expect(db.get(query)).toMatchObject({ colour: "red" });
    other.close();
    db.close();
  });
});

function moduleUrl(name: string): string {
  return pathToFileURL(join(import.meta.dirname, name)).href;
}

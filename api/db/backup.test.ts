import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import Database from "better-sqlite3";
import { afterAll, describe, expect, it } from "vitest";
import { projectRoot } from "../root.ts";
import { backupDatabase } from "./backup.ts";
import { aRequest } from "./builders.ts";
import { openDatabase } from "./open.ts";
import { restoreDatabase, verifyBackup } from "./restore.ts";
import { submitJob } from "./submit-job.ts";

const root = mkdtempSync(join(tmpdir(), "winnow-backup-"));
afterAll(() => rmSync(root, { recursive: true }));
const place = () => mkdtempSync(join(root, "case-"));

/** A state with this many jobs. */
function aState(jobs: number): string {
  const file = join(place(), "winnow.db");
  const db = openDatabase(file);
  for (let n = 0; n < jobs; n++) submitJob(db, { request: aRequest(), now: n });
  db.close();
  return file;
}

/** A digest for each row of these tables, by table and row id. */
function rowHashes(file: string): Map<string, string> {
  const client = new Database(file, { readonly: true });
  const hashes = new Map<string, string>();
  for (const table of ["jobs", "events"]) {
    for (const row of client.prepare<[], Record<string, unknown>>(`select * from ${table} order by seq`).iterate()) {
      hashes.set(`${table} ${row.seq}`, createHash("sha256").update(JSON.stringify(row)).digest("hex"));
    }
  }
  client.close();
  return hashes;
}

/** A process that submits jobs one after the other for as long as it lives. */
async function writerTo(file: string) {
  const url = (name: string) => JSON.stringify(pathToFileURL(join(import.meta.dirname, name)).href);
  const script = `
    const { openDatabase } = await import(${url("open.ts")});
    const { submitJob } = await import(${url("submit-job.ts")});
    const { aRequest } = await import(${url("builders.ts")});
    const db = openDatabase(process.argv[1]);
    const turn = () => {
      for (let n = 0; n < 20; n++) submitJob(db, { request: aRequest(), now: Date.now() });
      setImmediate(turn);
    };
    turn();
    console.log("writing");`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script, file], {
    cwd: projectRoot(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
  };
}

describe("a backup", () => {
  it.each([false, true])("under writes is one moment of the database, row for row (gzip: %s)", async (gzip) => {
    const file = aState(2000);
    const target = join(place(), "copy");
    const stop = await writerTo(file);
    const facts = await backupDatabase(file, target, { gzip }).finally(stop);

    const restored = join(place(), "winnow.db");
    expect(await restoreDatabase(target, restored, 0)).toMatchObject({ facts, keptAs: null });
    const [copy, live] = [rowHashes(restored), rowHashes(file)];
    expect(facts.rows.jobs).toBeGreaterThan(2000); // the writer was at it
    expect(live.size).toBeGreaterThan(copy.size);
    expect(copy.size).toBe((facts.rows.jobs ?? 0) + (facts.rows.events ?? 0));
    expect(facts.rows.events).toBe(facts.rows.jobs); // whole transactions: a job and its event
    expect([...copy].filter(([row, hash]) => live.get(row) !== hash)).toEqual([]);
    const jobs = Array.from({ length: facts.rows.jobs ?? 0 }, (_, n) => `jobs ${n + 1}`);
    expect(jobs.filter((row) => !copy.has(row))).toEqual([]); // the first ones, without a gap
  });

  it("is one file for its owner alone, and leaves no other behind", async () => {
    const directory = place();
    await backupDatabase(aState(3), join(directory, "copy"));
    expect(readdirSync(directory)).toEqual(["copy"]);
    expect(statSync(join(directory, "copy")).mode & 0o777).toBe(0o600);
  });

  it("keeps the one before when the database is damaged", async () => {
    const file = aState(300);
    const target = join(place(), "copy");
    await backupDatabase(file, target);
    const before = readFileSync(target);
    damage(file);
    await expect(backupDatabase(file, target)).rejects.toMatchObject({ code: "database.damaged" });
    expect(readFileSync(target).equals(before)).toBe(true);
  });

  it("is not made of nothing", async () => {
    const missing = backupDatabase(join(place(), "winnow.db"), join(place(), "copy"));
    await expect(missing).rejects.toMatchObject({ code: "request.invalid" });
  });
});

/** Writes over pages in the middle of the file. */
function damage(file: string): void {
  const bytes = readFileSync(file);
  bytes.fill(0x5a, 3 * 4096, bytes.length - 4096);
  writeFileSync(file, bytes);
}

describe("verifying a backup", () => {
  it("tells what is in it", async () => {
    const target = join(place(), "copy");
    await backupDatabase(aState(5), target);
    const { rows, migrations } = await verifyBackup(target);
    expect(rows).toMatchObject({ jobs: 5, events: 5, tokens: 0 });
    expect(migrations).toEqual({ applied: expect.any(Number), pending: 0 });
  });

  it.each<[string, (file: string) => void]>([
    ["whose pages were written over", damage],
    ["that was cut", (file) => truncateSync(file, Math.floor(statSync(file).size / 2))],
    ["that was cut when it was packed", (file) => writeFileSync(file, gzipSync(readFileSync(file)).subarray(0, 2000))],
    ["that is empty", (file) => truncateSync(file, 0)],
    ["that is something else", (file) => writeFileSync(file, "once upon a time ".repeat(500))],
    [
      "whose rows point nowhere",
      (file) => {
        const client = new Database(file);
        client.pragma("foreign_keys = OFF");
        client.exec("update events set job_id = 'job_none' where seq = 1");
        client.close();
      },
    ],
    [
      "of another program",
      (file) => {
        rmSync(file);
        const client = new Database(file);
        client.exec("create table notes (text)");
        client.close();
      },
    ],
  ])("refuses one %s", async (_what, spoil) => {
    const target = join(place(), "copy");
    await backupDatabase(aState(300), target);
    spoil(target);
    await expect(verifyBackup(target)).rejects.toMatchObject({ code: "database.damaged" });
  });

  it("refuses one of a newer Winnow", async () => {
    const target = join(place(), "copy");
    await backupDatabase(aState(1), target);
    const client = new Database(target);
    client.prepare("insert into __drizzle_migrations (hash, created_at) values ('from the future', 9e15)").run();
    client.close();
    await expect(verifyBackup(target)).rejects.toMatchObject({ code: "database.newer" });
  });
});

describe("restoring", () => {
  it("keeps the database that was there, with what its log held", async () => {
    const file = aState(4);
    const target = join(place(), "copy");
    await backupDatabase(file, target);
    const db = openDatabase(file);
    submitJob(db, { request: aRequest(), now: 9 });
    db.close();
    const wanted = rowHashes(file);
    const { keptAs } = await restoreDatabase(target, file, Date.UTC(2026, 0, 2, 3, 4, 5));
    expect(keptAs).toBe(`${file}.before-2026-01-02T03-04-05-000Z`);
    expect(rowHashes(keptAs ?? "")).toEqual(wanted);
    expect(rowHashes(file).size).toBe(8);
  });

  it("leaves a database alone that somebody has open", async () => {
    const file = aState(4);
    const target = join(place(), "copy");
    await backupDatabase(file, target);
    const db = openDatabase(file);
    submitJob(db, { request: aRequest(), now: 9 });
    await expect(restoreDatabase(target, file, 0)).rejects.toMatchObject({ code: "database.busy" });
    db.close();
    expect(rowHashes(file).size).toBe(10);
  });

  it("replaces a damaged database, and what its log held does not get into the new one", async () => {
    const file = aState(300);
    const target = join(place(), "copy");
    await backupDatabase(file, target);
    const wanted = rowHashes(target);
    const db = openDatabase(file);
    for (let n = 0; n < 50; n++) submitJob(db, { request: aRequest(), now: n });
    const log = readFileSync(`${file}-wal`);
    db.close();
    damage(file);
    writeFileSync(`${file}-wal`, log); // as after a crash
    await restoreDatabase(target, file, 0);
    expect(rowHashes(file)).toEqual(wanted);
    writeFileSync(file, "once upon a time ".repeat(500));
    const { keptAs } = await restoreDatabase(target, file, 1);
    expect(rowHashes(file)).toEqual(wanted);
    expect(readFileSync(keptAs ?? "", "utf8")).toContain("once upon a time");
  });

  it("leaves the database alone when the backup is damaged", async () => {
    const file = aState(4);
    const target = join(place(), "copy");
    await backupDatabase(file, target);
    damage(target);
    await expect(restoreDatabase(target, file, 0)).rejects.toMatchObject({ code: "database.damaged" });
    expect(rowHashes(file).size).toBe(8);
    expect(existsSync(`${file}.unfinished`)).toBe(false);
  });
});

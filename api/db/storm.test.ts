import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import Database from "better-sqlite3";
import { buildSync } from "esbuild";
import { afterAll, expect, it } from "vitest";
import { projectRoot } from "../root.ts";
import { aRequest } from "./builders.ts";
import { openDatabase, writing } from "./open.ts";
import { aRunner } from "./queue-builders.ts";
import { submitJob } from "./submit-job.ts";

const jobCount = Number(process.env.WINNOW_STORM_JOBS ?? 1000);
const kills = Number(process.env.WINNOW_STORM_KILLS ?? 20);

const root = mkdtempSync(join(tmpdir(), "winnow-storm-"));
afterAll(() => rmSync(root, { recursive: true }));

const scripts = mkdtempSync(join(projectRoot(), "node_modules", ".winnow-storm-")); // in the project: it looks for its migrations
afterAll(() => rmSync(scripts, { recursive: true }));

const prelude = ["open", "submit-job", "claim-jobs", "start-attempt", "finish-attempt", "builders"]
  .map((name) => `import * as q_${name.replace("-", "_")} from "./${name}.ts";`)
  .join("\n");

/** Makes a script of the queries as they are. Bundled, as a process then starts in a fraction of the time. */
function bundle(name: string, script: string): string {
  const outfile = join(scripts, `${name}.mjs`);
  const stdin = { contents: prelude + script, resolveDir: import.meta.dirname, loader: "ts" as const };
  buildSync({ stdin, outfile, bundle: true, platform: "node", format: "esm", packages: "external", alias: folders });
  return outfile;
}
const folders = { "#contract": join(projectRoot(), "contract") };

it(`four processes share ${jobCount} jobs: none twice, none lost, nobody is told that the database is busy`, {
  timeout: 1_200_000,
}, async () => {
  const file = join(root, "shared.db");
  const db = openDatabase(file);
  writing(db, (tx) => {
    for (let n = 0; n < jobCount; n++) submitJob(tx, { request: aRequest(), now: 1 });
  });
  const script = `
    const [file, runnerId] = process.argv.slice(2);
    const db = q_open.openDatabase(file);
    let token = 0;
    const makeToken = () => ({ token: "", hash: runnerId + token++ });
    const done = [];
    for (let n = 0; ; n++) {
      const claim = { runnerId, claimId: runnerId + n, slots: 1 + (n % 4), now: 1000 + n, leaseMs: 1e9, makeToken };
      const leases = q_claim_jobs.claimJobs(db, claim);
      if (leases.length === 0) break;
      for (const lease of leases) {
        q_start_attempt.startAttempt(db, lease, { now: 2000, leaseMs: 1e9 });
        q_finish_attempt.finishAttempt(db, lease, { outcome: { state: "succeeded" }, report: null, now: 3000 });
        done.push(lease.jobId);
      }
    }
    console.log(done.join("\\n"));`;
  const program = bundle("drain", script);
  const shares = [1, 2, 3, 4].map(async () => {
    const child = spawn(process.execPath, [program, file, aRunner(db)]);
    const [done, complaint] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    expect(complaint).toBe("");
    return done.split("\n").filter(Boolean);
  });
  const done = (await Promise.all(shares)).flat();
  expect(done).toHaveLength(jobCount);
  expect(new Set(done).size).toBe(jobCount);
  expect(db.all("select state, count(*) as jobs from jobs group by state")).toEqual([
    { state: "succeeded", jobs: jobCount },
  ]);
  expect(db.all("select state, count(*) as n from attempts group by state")).toEqual([
    { state: "succeeded", n: jobCount },
  ]);
  db.close();
});

it(`a writer that is killed ${kills} times loses nothing that it had acknowledged, and damages nothing`, {
  timeout: 1_200_000,
}, async () => {
  const file = join(root, "killed.db");
  const db = openDatabase(file);
  const runnerId = aRunner(db, { slots: 64 });
  const script = `
    import { writeSync } from "node:fs";
    const [file, runnerId, life] = process.argv.slice(2);
    
    const db = q_open.openDatabase(file);
    const now = Date.now();
    let token = 0;
    const makeToken = () => ({ token: "", hash: life + "." + token++ });
    for (let n = 0; ; n++) {
      const { id } = q_submit_job.submitJob(db, { request: q_builders.aRequest(), now, priority: n % 3 });
      writeSync(1, "queued " + id + "\\n");
      const claim = { runnerId, claimId: life + "." + n, slots: 1, now, leaseMs: 1e9, makeToken };
      for (const lease of q_claim_jobs.claimJobs(db, claim)) {
        writeSync(1, "running " + lease.jobId + "\\n");
        if (n % 4 === 0) continue;
        q_finish_attempt.finishAttempt(db, lease, { outcome: { state: "succeeded" }, report: null, now });
        writeSync(1, "succeeded " + lease.jobId + "\\n");
      }
    }`;
  const program = bundle("write", script);
  const order = ["queued", "running", "succeeded"];
  const acknowledged = new Map<string, string>();
  for (let life = 0; life < kills; life++) {
    db.run("update runners set slots = 1000000"); // what a killed one held stays held here
    const child = spawn(process.execPath, [program, file, runnerId, String(life)]);
    const wanted = 5 + ((life * 37) % 60); // killed at another point each time
    let seen = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [state = "", id = ""] = line.split(" ");
      acknowledged.set(id, state);
      if (++seen === wanted) child.kill("SIGKILL");
    }
    expect(seen).toBeGreaterThanOrEqual(wanted);
    const check = new Database(file);
    expect(check.pragma("integrity_check")).toEqual([{ integrity_check: "ok" }]);
    expect(check.pragma("foreign_key_check")).toEqual([]);
    check.close();
  }
  const states = new Map(
    db.all<{ id: string; state: string }>("select id, state from jobs").map(({ id, state }) => [id, state]),
  );
  expect(acknowledged.size).toBeGreaterThan(kills * 2);
  for (const [id, state] of acknowledged) {
    // Further than what was acknowledged it may be: it was killed before it could say so.
    expect(order.indexOf(states.get(id) ?? "none"), id).toBeGreaterThanOrEqual(order.indexOf(state));
  }
  const half =
    "select count(*) as n from jobs where state != 'queued' and not exists (select 1 from attempts where job_id = jobs.id and number = jobs.attempt)";
  expect(db.get(half)).toEqual({ n: 0 });
  db.close();
});

import type Database from "better-sqlite3";
import { beforeEach, expect, it } from "vitest";
import { beatRunner } from "./beat-runner.ts";
import { aRequest } from "./builders.ts";
import { cancelJob } from "./cancel-job.ts";
import { claimJob } from "./claim-job.ts";
import { expireJobs } from "./expire-jobs.ts";
import { finishAttempt } from "./finish-attempt.ts";
import { grantAmnesty } from "./grant-amnesty.ts";
import { offerUpload } from "./offer-upload.ts";
import { type OpenDatabase, openDatabase } from "./open.ts";
import { openSession } from "./open-session.ts";
import { anAttempt, aRegistration, aRunner, claimFor, leaseMs } from "./queue-builders.ts";
import { readJobView } from "./read-job-view.ts";
import { readWaitReason } from "./read-wait-reason.ts";
import { reapAttempts, reapLocalAttempts } from "./reap-attempts.ts";
import { recordSource } from "./record-source.ts";
import { restingJobs } from "./resting-jobs.ts";
import { retryJob } from "./retry-job.ts";
import { startAttempt } from "./start-attempt.ts";
import { submitJob } from "./submit-job.ts";

let db: OpenDatabase;
let asked: string[];
/** What drizzle keeps, without a type for it in `Db`. */
const clientOf = (one: OpenDatabase) => (one as OpenDatabase & { $client: Database.Database }).$client;

beforeEach(() => {
  db = openDatabase(":memory:");
  asked = [];
  const client = clientOf(db);
  const prepare = client.prepare.bind(client);
  // Only listens: every text is prepared as it is.
  Object.assign(client, {
    prepare: (text: string) => {
      asked.push(text);
      return prepare(text);
    },
  });
});

const digest = `sha256:${"5".repeat(64)}`;
const source = { key: digest, chainId: digest, os: "linux", architecture: "amd64" };
const request = aRequest({ image: `web@${digest}` });

/** Everything that the queue does, on a job or two. */
function useAll(): void {
  const runnerId = aRunner(db);
  const lease = anAttempt(db, { runnerId, dedupeKey: "web" });
  startAttempt(db, lease, { now: 2000, leaseMs });
  recordSource(db, lease, { source, workVersion: "0.1.0" });
  beatRunner(db, { runnerId, now: 2000, leaseMs, attempts: [lease], draining: false, paused: null, diskFreeBytes: 1 });
  offerUpload(db, lease, { name: "report.json", bytes: 1, sha256: "", now: 2000 });
  readJobView(db, lease.jobId);
  finishAttempt(db, lease, { outcome: { state: "succeeded" }, now: 3000, report: null });
  const { id } = submitJob(db, { request, now: 1000, dedupeKey: "web", workVersion: "0.1.0" });
  readWaitReason(db, id, { now: 2000, leaseMs });
  restingJobs(db, 0);
  claimFor(db, runnerId, { slots: 3 });
  submitJob(db, { request, now: 1000 });
  claimJob(db, { runner: "cli", now: 2000, leaseMs });
  grantAmnesty(db, { now: 2000, leaseMs });
  const { name: _name, systemId: _id, ...facts } = aRegistration();
  openSession(db, { runnerId, facts, now: 4000 });
  reapAttempts(db, { now: 1e6, startWindowMs: 1, cancelGraceMs: 1 });
  reapLocalAttempts(db, { now: 1e6 });
  cancelJob(db, { jobId: id, now: 1e6, by: "test" });
  retryJob(db, { jobId: id, now: 1e6, by: "test" });
  expireJobs(db, { now: 1e9, queueMs: 1 });
}

it("no query of the queue reads the history: all go by an index, those of jobs that wait or work by a partial one", () => {
  useAll();
  const queries = [...new Set(asked)].filter(
    (text) => /^(select|update|delete)/i.test(text) && !text.includes("sqlite_schema"),
  );
  expect(queries.length).toBeGreaterThan(25);
  const partial = /USING (COVERING )?INDEX (jobs_queue|jobs_lease|jobs_held)\b/;
  const scans = queries.flatMap((text) => {
    const nothing = Array.from(text.matchAll(/\?/g), () => null);
    const plan = clientOf(db)
      .prepare<null[], { detail: string }>(`explain query plan ${text}`)
      .all(...nothing);
    return plan
      .filter(
        ({ detail }) =>
          /^SCAN (jobs|attempts|events|reports|artifacts|uploads)\b/.test(detail) && !partial.test(detail),
      )
      .map(({ detail }) => `${detail}: ${text}`);
  });
  expect(scans).toEqual([]);
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { WinnowError } from "#contract/error.ts";
import { aReport, aRequest } from "../db/builders.ts";
import { claimJob } from "../db/claim-job.ts";
import { findArtifact, listArtifacts } from "../db/find-artifact.ts";
import { findLog } from "../db/find-log.ts";
import { findResult } from "../db/find-result.ts";
import { finishAttempt } from "../db/finish-attempt.ts";
import { type OpenDatabase, openDatabase } from "../db/open.ts";
import { readReport } from "../db/read-report.ts";
import { jobs } from "../db/schema.ts";
import { submitJob } from "../db/submit-job.ts";
import { directoryStore } from "../store/directory.ts";
import { artifactKey } from "../store/key.ts";
import type { Store } from "../store/store.ts";
import { retain } from "./retention.ts";

const dayMs = 86_400_000;
const now = 1_000 * dayMs;
const root = mkdtempSync(join(tmpdir(), "winnow-retention-"));
afterAll(() => rmSync(root, { recursive: true }));

let db: OpenDatabase;
let store: Store;
beforeEach(() => {
  db = openDatabase(":memory:");
  store = directoryStore(mkdtempSync(join(root, "store-")));
});

const lasting = ["apparmor.profile", "report.json", "seccomp.json"];
const names = [...lasting, "files.jsonl", "job.log"];

/** A job that ended `days` ago and stored all `names`. */
async function aJob({ days, repository = "docker.io/library/web" }: { days: number; repository?: string }) {
  const at = now - days * dayMs;
  const { id } = submitJob(db, { request: aRequest(), now: at });
  db.update(jobs).set({ repository }).where(eq(jobs.id, id)).run();
  const lease = claimJob(db, { runner: "r", now: at, leaseMs: 1000, jobId: id });
  if (!lease) throw new Error("the job was not handed out");
  const stored = names.map(async (name) => {
    const key = artifactKey(id, lease.attempt, name);
    return { name, key, ...(await store.put(key, `${name} of ${id}`)) };
  });
  const artifacts = await Promise.all(stored);
  finishAttempt(db, lease, { now: at, outcome: { state: "succeeded" }, report: aReport(), artifacts });
  return id;
}

const storedOf = async (id: string) => (await store.list(`jobs/${id}/`)).map(({ key }) => key.split("/").at(-1));
const removedOf = (id: string) =>
  readReport(db, id)
    .artifacts.filter(({ removedAt }) => removedAt === now)
    .map(({ name }) => name);

describe("retention", () => {
  it("takes artifacts older than its days, keeps report and profiles, and the rows say so", async () => {
    const [old, young] = [await aJob({ days: 31 }), await aJob({ days: 29 })];
    expect(await retain({ db, store, now, rule: { days: 30, jobsOfRepository: null } })).toBe(2);
    expect(await storedOf(old)).toEqual(lasting);
    expect(removedOf(old)).toEqual(["files.jsonl", "job.log"]);
    expect(readReport(db, old).artifacts).toHaveLength(names.length);
    expect(await storedOf(young)).toEqual([...names].sort());
    expect(removedOf(young)).toEqual([]);
  });

  it("leaves nothing that leads to what is gone", async () => {
    const old = await aJob({ days: 31 });
    db.update(jobs).set({ requestHash: "same", workVersion: "1" }).where(eq(jobs.id, old)).run();
    const answer = () => findResult(db, { requestHash: "same", workVersion: "1" });
    expect(answer()).toBe(old);
    await retain({ db, store, now, rule: { days: 30, jobsOfRepository: null } });
    expect(answer()).toBeUndefined();
    expect(listArtifacts(db, old).map(({ name }) => name)).toEqual(lasting);
    expect(findArtifact(db, old, "files.jsonl")).toBeUndefined();
    expect(() => findLog(db, { jobId: old, name: "job.log" })).toThrow(
      expect.objectContaining({ code: "artifact.not-found" }),
    );
  });

  it("keeps the newest jobs of each repository", async () => {
    const web = [await aJob({ days: 3 }), await aJob({ days: 2 }), await aJob({ days: 1 })];
    const other = await aJob({ days: 9, repository: "docker.io/library/other" });
    expect(await retain({ db, store, now, rule: { days: null, jobsOfRepository: 2 } })).toBe(2);
    const left = await Promise.all([...web, other].map(storedOf));
    expect(left.map((stored) => stored.length)).toEqual([3, 5, 5, 5]);
    expect(await retain({ db, store, now, rule: { days: null, jobsOfRepository: 2 } })).toBe(0);
  });

  it("keeps what a later job was answered with", async () => {
    const old = await aJob({ days: 90 });
    const { id: later } = submitJob(db, { request: aRequest(), now: now - dayMs });
    db.update(jobs).set({ cachedFrom: old }).where(eq(jobs.id, later)).run();
    expect(await retain({ db, store, now, rule: { days: 30, jobsOfRepository: null } })).toBe(0);
    expect(await retain({ db, store, now: now + 30 * dayMs, rule: { days: 30, jobsOfRepository: null } })).toBe(2);
  });

  it("does nothing when it has no rule", async () => {
    await aJob({ days: 900 });
    expect(await retain({ db, store, now, rule: { days: null, jobsOfRepository: null } })).toBe(0);
  });

  it("goes on after the store failed in the middle, whichever removal it was", async () => {
    const rule = { days: 30, jobsOfRepository: null };
    for (let nth = 1; nth <= 2; nth++) {
      const id = await aJob({ days: 40 });
      let calls = 0;
      const failing = {
        remove: async (key: string) => {
          if (++calls === nth) throw new WinnowError("store.failed", "The store is down.", "Wait.");
          await store.remove(key);
        },
      };
      await expect(retain({ db, store: failing, now, rule })).rejects.toThrow("The store is down.");
      expect(removedOf(id)).toEqual([]); // what is not known to be gone is still known to be there
      expect(await retain({ db, store, now, rule })).toBe(2);
      expect(await storedOf(id)).toEqual(lasting);
    }
  });

  it("works through more than a batch", async () => {
    const ids = await Promise.all(Array.from({ length: 60 }, () => aJob({ days: 31 })));
    expect(await retain({ db, store, now, rule: { days: 30, jobsOfRepository: null } })).toBe(120);
    expect(ids.flatMap(removedOf)).toHaveLength(120);
  });

  it("ends after the batch at work when it is asked to", async () => {
    await Promise.all(Array.from({ length: 60 }, () => aJob({ days: 31 })));
    const asked = new AbortController();
    const watched = {
      remove: async (key: string) => {
        asked.abort();
        await store.remove(key);
      },
    };
    const rule = { days: 30, jobsOfRepository: null };
    expect(await retain({ db, store: watched, now, rule, signal: asked.signal })).toBe(100);
  });
});

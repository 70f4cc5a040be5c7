import { beforeEach, expect, it } from "vitest";
import { readReport } from "../db/read-report.ts";
import { reapAttempts } from "../db/reap-attempts.ts";
import { uploads } from "../db/schema.ts";
import {
  failed,
  offerOf,
  type ProtocolUnderTest,
  protocolUnderTest,
  reportOf,
  succeeded,
} from "../routes/runner/protocol.builder.ts";
import { sweepLogs, sweepUploads, uploadChores } from "./uploads.ts";

const dayMs = 86_400_000;
let at: ProtocolUnderTest;
beforeEach(() => {
  at = protocolUnderTest();
});

const keys = async () => (await at.deps.store.list("jobs/")).map(({ key }) => key);
const sweep = (afterMs = dayMs + 1, change: object = {}) =>
  sweepUploads({ ...at.deps, now: at.clock.now + afterMs, ...change });

it("what a job owns stays for ever, and what it replaced or never committed goes after a day", async () => {
  const own = await at.attempt();
  await own.store("report.json", reportOf(own.job.jobId));
  await own.store("graph.json", "{}");
  await own.store("replaced", "1");
  await own.post("artifacts", offerOf("replaced", "2"));
  await own.post("finish", succeeded());
  const owned = readReport(at.db, own.job.jobId).artifacts.map(({ key }) => key);
  expect(owned).toHaveLength(3);
  await sweep(dayMs);
  expect(await keys()).toHaveLength(4);
  await sweep();
  expect(await keys()).toEqual(owned);
  expect(at.db.select().from(uploads).all()).toEqual([]);
});

it("what attempts left goes when they were lost, failed before another, or gave the job back", async () => {
  const lost = await at.attempt("lost:1");
  await lost.store("graph.json", "{}");
  const retried = await at.attempt("retried:1");
  await retried.store("graph.json", "{}");
  await retried.post("finish", failed("docker.failed"));
  const released = await at.attempt("released:1");
  await released.store("graph.json", "{}");
  await released.post("release", { reason: "disk" });
  at.clock.now += 120_000;
  reapAttempts(at.db, { now: at.clock.now, startWindowMs: 20_000, cancelGraceMs: 90_000 });
  expect(await keys()).toHaveLength(4); // with the sealed log of the one that failed
  await sweep();
  expect(await keys()).toEqual([]);
});

it("an attempt at work keeps what it has sent, however long it takes", async () => {
  const own = await at.attempt();
  await own.store("graph.json", "{}");
  await sweep(30 * dayMs);
  expect(await keys()).toHaveLength(1);
  expect((await own.post("finish", failed("app.exited"))).status).toBe(200);
  await sweep(30 * dayMs);
  expect(await keys()).toHaveLength(2);
});

it("a store that fails leaves the row, and the next sweep ends the work", async () => {
  const own = await at.attempt();
  await own.store("graph.json", "{}");
  await own.post("release", { reason: "disk" });
  const down = { remove: () => Promise.reject(new Error("connection refused")) };
  await expect(sweep(dayMs + 1, { store: down })).rejects.toThrow("refused");
  expect(await sweep()).toBe(1);
  expect(await keys()).toEqual([]);
});

it("more than a batch goes, and nothing when the process is about to stop", async () => {
  const own = await at.attempt();
  const rows = Array.from({ length: 250 }, (_, n) => ({ ...offerOf(`a${n}`, "x"), offeredAt: at.clock.now }));
  at.db
    .insert(uploads)
    .values(rows.map((row) => ({ ...row, jobId: own.job.jobId, attempt: 1 })))
    .run();
  await own.post("release", { reason: "disk" });
  expect(await sweep(dayMs + 1, { signal: AbortSignal.abort() })).toBe(0);
  expect(await sweep()).toBe(250);
});

it("a local log goes a day after its attempt has ended, not before and not while it is at work", async () => {
  const [working, ended] = [await at.attempt("working:1"), await at.attempt("ended:1")];
  for (const one of [working, ended]) await one.log(0, "x");
  await ended.post("finish", failed("docker.failed", "x"));
  await at.deps.logs.append("job_unknown", 1, 0, Buffer.from("x"));
  const now = Date.now(); // files have the time of the disk
  expect(await sweepLogs({ ...at.deps, now: now + dayMs - 60_000 })).toBe(0);
  expect(await sweepLogs({ ...at.deps, now: now + dayMs + 60_000 })).toBe(2);
  expect(await at.deps.logs.list()).toMatchObject([{ jobId: working.job.jobId }]);
});

it("both sweeps are chores", async () => {
  const own = await at.attempt();
  await own.store("graph.json", "{}");
  await own.post("release", { reason: "disk" });
  for (const chore of uploadChores({ ...at.deps, now: () => at.clock.now + 2 * dayMs }))
    await chore.run(new AbortController().signal);
  expect(await keys()).toEqual([]);
});

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeEach, expect, it } from "vitest";
import { aReport, aRequest } from "#api/db/builders.ts";
import { cancelJob } from "#api/db/cancel-job.ts";
import { claimJob } from "#api/db/claim-job.ts";
import { pageJobs } from "#api/db/page-jobs.ts";
import { readJob } from "#api/db/read-job.ts";
import { reapAttempts } from "#api/db/reap-attempts.ts";
import { submitJob } from "#api/db/submit-job.ts";
import { artifactKey } from "#api/store/key.ts";
import { WinnowError } from "#contract/error.ts";
import { Scenario } from "#contract/job.ts";
import type { RunnerDeps } from "#runner/deps.ts";
import { exitCodeOf } from "./exit-code.ts";
import { type LocalJob, runLocalJob } from "./local-job.ts";
import { openJobLog } from "./log.ts";
import { openState, type State } from "./state.ts";

const root = mkdtempSync(join(tmpdir(), "winnow-cli-"));
afterAll(() => rmSync(root, { recursive: true }));

let state: State;
beforeEach(() => {
  state = openState(mkdtempSync(join(root, "case-")));
});

// No engine is touched here: the pipelines below only use what every runner is given.
const engine = {} as RunnerDeps["engine"];

function aLocalJob(run: LocalJob["run"], change: Partial<LocalJob> = {}): LocalJob {
  return {
    request: aRequest(),
    state,
    run,
    deps: {
      engine,
      progress: () => {},
      finishAsked: Promise.resolve(),
      runnerId: "cli-test",
      version: "0.1.0",
      now: Date.now,
    },
    signal: new AbortController().signal,
    openLog: (file) => openJobLog({ files: [file], targets: [] }),
    keepsArtifact: () => true,
    ...change,
  };
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  throw signal.reason;
}

it("a job goes through all five hops and is read back with its report and artifacts", async () => {
  const request = aRequest({ image: "db:2" });
  const result = await runLocalJob(
    aLocalJob(
      async (asked, deps) => {
        expect(asked).toEqual(request);
        deps.log.info({ stage: "observe" }, "stage done");
        await deps.artifacts.put("seccomp.json", "{}");
        return aReport({ job: { id: deps.jobId, kind: "slim", request: asked, startedAt: 1, finishedAt: 2 } });
      },
      { request },
    ),
  );
  const { job, report, artifacts } = result;
  expect(job).toMatchObject({
    state: "succeeded",
    image: "db:2",
    attempt: 1,
    attempts: [{ state: "succeeded", runner: "cli-test" }],
  });
  expect(report?.artifacts.map(({ name }) => name).sort()).toEqual(["job.log", "seccomp.json"]);
  expect(artifacts.map(({ name }) => name)).toEqual(["job.log", "report.json", "seccomp.json"]);
  expect(report).toMatchObject({ verdict: "verified", job: { id: job.id } });
  const log = (await text(await state.store.get(artifactKey(job.id, 1, "job.log")))).trimEnd().split("\n");
  expect(log.map((line) => JSON.parse(line))).toMatchObject([
    { msg: "job started", jobId: job.id, attempt: 1 },
    { msg: "stage done", stage: "observe", jobId: job.id },
    { msg: "job ended", state: "succeeded", verdict: "verified" },
  ]);
  expect(readdirSync(state.tmpPath)).toEqual([]);
  expect(exitCodeOf(result)).toBe(0);
});

it("secrets of the request are in nothing that is stored, but in the job's row, which has to run", async () => {
  const request = aRequest({ scenarios: [Scenario.parse({ env: ["DB_PASSWORD=hunter2secret"] })] });
  const { job, report, error } = await runLocalJob(
    aLocalJob(
      async (asked, deps) => {
        expect(asked).toEqual(request);
        deps.log.info("it says hunter2secret");
        await deps.artifacts.put("fat.log", "hunter2secret\n");
        const facts = { id: deps.jobId, kind: "slim" as const, request: asked, startedAt: 1, finishedAt: 2 };
        return aReport({ job: facts, verdict: "failed", verdictReason: "It answered hunter2secret." });
      },
      { request },
    ),
  );
  const texts = await Promise.all(
    ["fat.log", "job.log", "report.json"].map(async (name) =>
      text(await state.store.get(artifactKey(job.id, 1, name))),
    ),
  );
  for (const stored of texts) expect(stored).not.toContain("hunter2");
  expect(texts[0]).toBe("[redacted]\n");
  expect(report?.job.request.scenarios[0]?.env).toEqual(["DB_PASSWORD=[redacted]"]);
  expect(error?.message).toBe("It answered [redacted].");
  expect(readJob(state.db, job.id).request).toEqual(request);
});

it("takes no job that waits for somebody else", async () => {
  const { id } = submitJob(state.db, { request: aRequest(), now: 1, priority: 9 });
  const { job } = await runLocalJob(aLocalJob(async () => aReport()));
  expect(job.id).not.toBe(id);
  expect(pageJobs(state.db, { size: 9, state: ["queued"] }).map(({ job: one }) => one.id)).toEqual([id]);
});

it.each([
  [new WinnowError("result.not-smaller", "The slim image has 2 more bytes.", "Keep the fat one."), 3],
  [new WinnowError("app.exited", "It ended with 1.", "Look at its log."), 1],
  [new WinnowError("docker.failed", "The engine said no.", "Look at its log."), 1],
  [new TypeError("undefined is not a function"), 1],
])("%s fails the job, which keeps the error and what was stored before", async (thrown, exitCode) => {
  const result = await runLocalJob(
    aLocalJob(async (_request, deps) => {
      await deps.artifacts.put("fat.log", "last words");
      throw thrown;
    }),
  );
  const code = thrown instanceof WinnowError ? thrown.code : "internal";
  expect(result).toMatchObject({
    job: { state: "failed", errorCode: code, errorMessage: thrown.message },
    report: null,
    error: { code },
  });
  expect(result.artifacts.map(({ name }) => name)).toEqual(["fat.log", "job.log"]);
  expect(exitCodeOf(result)).toBe(exitCode);
});

it("a failed verification is a failed job with a report", async () => {
  const result = await runLocalJob(
    aLocalJob(async () => aReport({ verdict: "failed", verdictReason: "GET / answered 500." })),
  );
  expect(result).toMatchObject({
    job: { state: "failed" },
    report: { verdict: "failed" },
    error: { code: "verify.failed", message: "GET / answered 500." },
  });
  expect(exitCodeOf(result)).toBe(4);
});

it("an image that nothing exercised is made, but is no success for a script", async () => {
  const result = await runLocalJob(aLocalJob(async () => aReport({ verdict: "not-exercised" })));
  expect(result.job.state).toBe("succeeded");
  expect(exitCodeOf(result)).toBe(4);
});

it("the user's wish to end aborts the work and is recorded", async () => {
  const asked = new AbortController();
  const result = await runLocalJob(
    aLocalJob(
      async (_request, deps) => {
        asked.abort();
        return await untilAborted(deps.signal).catch(() => {
          throw new Error("a clean-up that went wrong");
        });
      },
      { signal: asked.signal },
    ),
  ).catch((thrown: unknown) => thrown);
  expect(result).toMatchObject({
    job: { state: "canceled", errorCode: "job.canceled" },
    error: { code: "job.canceled" },
  });
  expect(pageJobs(state.db, { size: 1 })).toMatchObject([{ job: { state: "canceled" } }]);
});

it("a cancel from elsewhere reaches the work by the heartbeat", async () => {
  const result = await runLocalJob(
    aLocalJob(
      async (_request, deps) => {
        cancelJob(state.db, { jobId: deps.jobId, now: Date.now(), by: "test" });
        return await untilAborted(deps.signal);
      },
      { heartbeatMs: 5 },
    ),
  );
  expect(result.job.state).toBe("canceled");
  expect(exitCodeOf(result)).toBe(130);
});

it("a heartbeat keeps a job that takes longer than its lease", async () => {
  const { job } = await runLocalJob(
    aLocalJob(
      async (_request, deps) => {
        // Until the lease has been extended past where it first ended.
        const first = pageJobs(state.db, { size: 1 })[0]?.job.leaseExpiresAt ?? 0;
        while (Date.now() <= first) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          expect(reapAttempts(state.db, { now: Date.now() })).toEqual([]);
        }
        expect(deps.signal.aborted).toBe(false);
        return aReport();
      },
      { leaseMs: 400, heartbeatMs: 20 },
    ),
  );
  expect(job.state).toBe("succeeded");
});

it("who has lost the lease is told to stop and writes nothing", async () => {
  const lost = runLocalJob(
    aLocalJob(
      async (_request, deps) => {
        reapAttempts(state.db, { now: Date.now() + 1e6 });
        await untilAborted(deps.signal).catch(() => {});
        return aReport();
      },
      { heartbeatMs: 5 },
    ),
  );
  await expect(lost).rejects.toMatchObject({ code: "lease.lost" });
  expect(pageJobs(state.db, { size: 1 })).toMatchObject([
    { job: { state: "failed", errorCode: "runner.lost" }, report: null },
  ]);
});

it("a job that a killed process left is lost when the next one starts", async () => {
  const { id } = submitJob(state.db, { request: aRequest(), now: 1000, maxAttempts: 1 });
  claimJob(state.db, { runner: "dead", now: 1000, leaseMs: 60_000 });
  await runLocalJob(aLocalJob(async () => aReport()));
  expect(pageJobs(state.db, { size: 9 }).find(({ job }) => job.id === id)?.job).toMatchObject({
    state: "failed",
    errorCode: "runner.lost",
  });
});

it("artifacts that are not to be kept are in no list, no row and no store", async () => {
  const { job, report, artifacts } = await runLocalJob(
    aLocalJob(
      async (_request, deps) => {
        await deps.artifacts.put("files.jsonl", "{}\n");
        await deps.artifacts.put("seccomp.json", "{}");
        return aReport();
      },
      { keepsArtifact: (name) => ["report.json", "seccomp.json"].includes(name) },
    ),
  );
  expect(report?.artifacts.map(({ name }) => name)).toEqual(["seccomp.json"]);
  expect(artifacts.map(({ name }) => name)).toEqual(["report.json", "seccomp.json"]);
  expect((await state.store.list(`jobs/${job.id}/`)).map(({ key }) => key.split("/").at(-1))).toEqual([
    "report.json",
    "seccomp.json",
  ]);
});

it("a job whose report cannot be stored has not succeeded", async () => {
  const full = new WinnowError("disk.full", "There is no room.", "Free space.");
  const put: State["store"]["put"] = async (key, content) => {
    if (key.endsWith("report.json")) throw full;
    return await store.put(key, content);
  };
  const { store } = state;
  const result = await runLocalJob(aLocalJob(async () => aReport(), { state: { ...state, store: { ...store, put } } }));
  expect(result).toMatchObject({ job: { state: "failed" }, report: null, error: { code: "disk.full" } });
});

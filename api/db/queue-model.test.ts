import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { asWinnowError } from "#contract/error.ts";
import type { Labels } from "#contract/service/runner-protocol.ts";
import { beatRunner } from "./beat-runner.ts";
import { aRequest } from "./builders.ts";
import { cancelJob } from "./cancel-job.ts";
import { claimJobs } from "./claim-jobs.ts";
import { expireJobs } from "./expire-jobs.ts";
import { finishAttempt, type Outcome } from "./finish-attempt.ts";
import { grantAmnesty } from "./grant-amnesty.ts";
import { type OpenDatabase, openDatabase } from "./open.ts";
import { openSession } from "./open-session.ts";
import { aRegistration } from "./queue-builders.ts";
import { type Held, type HowItEnds, QueueModel, windows } from "./queue-model.ts";
import { reapAttempts } from "./reap-attempts.ts";
import { registerRunner } from "./register-runner.ts";
import { releaseAttempt } from "./release-attempt.ts";
import { retryJob } from "./retry-job.ts";
import { attempts, jobs } from "./schema.ts";
import { startAttempt } from "./start-attempt.ts";
import { submitJob } from "./submit-job.ts";

const runs = Number(process.env.WINNOW_MODEL_RUNS ?? 300);
/** Shrinking ends after that, too. */
const limitMs = Math.max(60_000, runs * 200);
const { leaseMs } = windows;
const by = "test";

/** The real thing beside the model: jobs and runners by the model's numbers. */
type Real = {
  db: OpenDatabase;
  file: string;
  jobs: string[];
  runners: string[];
  given: Held[];
  claims: number;
  tokens: number;
};
type Command = fc.Command<QueueModel, Real>;

/** One step on both; afterwards the whole database must be as the model says. */
function step(name: string, run: (model: QueueModel, real: Real) => void): Command {
  return {
    check: () => true,
    run: (model, real) => {
      run(model, real);
      compare(model, real);
    },
    toString: () => name,
  };
}

function compare(model: QueueModel, { db, jobs: ids, runners }: Real): void {
  const { id, state, uncounted, lease, leaseExpiresAt, runAfterAt } = jobs;
  const rows = db
    .select({ id, state, uncounted, lease, leaseExpiresAt, runAfterAt })
    .from(jobs)
    .orderBy(jobs.seq)
    .all();
  const tries = db.select().from(attempts).orderBy(attempts.number).all();
  const seen = rows.map(({ leaseExpiresAt, runAfterAt, ...row }) => ({
    ...row,
    attempts: tries
      .filter(({ jobId }) => jobId === row.id)
      .map((at) => ({ state: at.state, runner: runners.indexOf(at.runner) })),
    ...((row.state === "running" || row.state === "canceling") && { leaseExpiresAt }),
    ...(row.state === "queued" && { runAfterAt }),
  }));
  const wanted = model.jobs.map(({ state, attempts, leaseExpiresAt, runAfterAt }, index) => ({
    id: ids[index],
    state,
    uncounted: attempts.filter((at) => at.state === "released").length,
    lease: attempts.length,
    attempts: attempts.map((at) => ({ state: at.state, runner: at.runner })),
    ...((state === "running" || state === "canceling") && { leaseExpiresAt }),
    ...(state === "queued" && { runAfterAt }),
  }));
  expect(seen).toEqual(wanted);
}

/** Undefined when the lease is lost; any other error is the test's. */
function unlessLost<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if (asWinnowError(thrown).code === "lease.lost") return undefined;
    throw thrown;
  }
}

const held = (real: Real, { job, attempt }: Held) => ({ jobId: real.jobs[job] ?? "", attempt, lease: attempt });

const error = (code: "docker.failed" | "app.exited" | "job.canceled") => ({ code, message: "It broke.", hint: "" });
const outcomes: Record<HowItEnds, Outcome> = {
  succeeded: { state: "succeeded" },
  retryable: { state: "failed", error: error("docker.failed") },
  final: { state: "failed", error: error("app.exited") },
  canceled: { state: "canceled", error: error("job.canceled") },
};

function claim(model: QueueModel, real: Real, asked: { runner: number; number: number; slots: number }): void {
  const { runner, number, slots } = asked;
  const got = claimJobs(real.db, {
    ...{ runnerId: real.runners[runner] ?? "", claimId: `claim ${number}`, slots, now: model.now, leaseMs },
    makeToken: () => ({ token: "t", hash: `hash ${real.tokens++}` }),
  });
  const wanted = model.claim(runner, number, slots);
  expect(got.map(({ jobId, attempt, lease }) => ({ jobId, attempt, lease }))).toEqual(
    wanted.map((one) => held(real, one)),
  );
  for (const one of wanted)
    if (!real.given.some(({ job, attempt }) => job === one.job && attempt === one.attempt)) real.given.push(one);
}

/** Something that was given out at some time, most often lately: whoever has it may do anything with it, now or much later. */
const pick = <T>(all: T[], back: number): T | undefined => all[all.length - 1 - (back % Math.max(1, all.length))];

/** The first ones weigh more below: what is never submitted, claimed and started can not be lost. */
const commands = [
  fc
    .record({
      priority: fc.integer({ min: 0, max: 2 }),
      maxAttempts: fc.integer({ min: 1, max: 3 }),
      needsZone: fc.boolean(),
    })
    .map((job) =>
      step(`submit ${JSON.stringify(job)}`, (model, real) => {
        const needs: Labels = job.needsZone ? { zone: "a" } : {};
        const { id } = submitJob(real.db, { request: aRequest(), now: model.now, ...job, needs });
        real.jobs[model.submit(job)] = id;
      }),
    ),
  fc
    .record({ runner: fc.nat(2), slots: fc.integer({ min: 1, max: 3 }) })
    .map((asked) =>
      step(`claim ${JSON.stringify(asked)}`, (model, real) => claim(model, real, { ...asked, number: real.claims++ })),
    ),
  fc
    .record({ runner: fc.nat(2), back: fc.nat(2) })
    .map(({ runner, back }) =>
      step(`claim ${back} back again for ${runner}`, (model, real) =>
        claim(model, real, { runner, slots: 2, number: Math.max(0, real.claims - 1 - back) }),
      ),
    ),
  fc.nat(5).map((back) =>
    step(`start ${back} back`, (model, real) => {
      const one = pick(real.given, back);
      if (!one) return;
      const started = unlessLost(() => startAttempt(real.db, held(real, one), { now: model.now, leaseMs }));
      expect(started !== undefined).toBe(model.start(one));
    }),
  ),
  fc.record({ runner: fc.nat(2), count: fc.nat(4) }).map(({ runner, count }) =>
    step(`beat ${runner} with ${count}`, (model, real) => {
      const of = real.given.slice(-count);
      const health = { draining: false, paused: null, diskFreeBytes: null };
      const attempts = of.map((one) => held(real, one));
      const answer = beatRunner(real.db, {
        runnerId: real.runners[runner] ?? "",
        now: model.now,
        leaseMs,
        attempts,
        ...health,
      });
      expect(answer.attempts.map(({ action }) => action)).toEqual(model.beat(runner, of));
    }),
  ),
  fc
    .record({
      back: fc.nat(8),
      how: fc.constantFrom<HowItEnds>("succeeded", "retryable", "retryable", "final", "canceled"),
    })
    .map(({ back, how }) =>
      step(`finish ${back} back as ${how}`, (model, real) => {
        const one = pick(real.given, back);
        if (!one) return;
        const finish = { outcome: outcomes[how], report: null, now: model.now, finishHash: how, random: 0.5 };
        const state = unlessLost(() => finishAttempt(real.db, held(real, one), finish));
        expect(state).toBe(model.finish(one, how, how));
      }),
    ),
  fc.record({ back: fc.nat(4), reason: fc.constantFrom("drain" as const, "unfit" as const) }).map(({ back, reason }) =>
    step(`release ${back} back: ${reason}`, (model, real) => {
      const one = pick(real.given, back);
      if (!one) return;
      const released = { now: model.now, reason, detail: "" };
      expect(unlessLost(() => releaseAttempt(real.db, held(real, one), released))).toBe(model.release(one, reason));
    }),
  ),
  fc.nat(6).map((back) =>
    step(`cancel ${back} back`, (model, real) => {
      const jobId = pick(real.jobs, back);
      if (jobId === undefined) return;
      expect(cancelJob(real.db, { jobId, now: model.now, by })).toBe(model.cancel(real.jobs.indexOf(jobId)));
    }),
  ),
  fc.nat(6).map((back) =>
    step(`retry ${back} back`, (model, real) => {
      const jobId = pick(real.jobs, back);
      if (jobId === undefined) return;
      const wanted = model.retry(real.jobs.indexOf(jobId));
      if (wanted === undefined)
        expect(() => retryJob(real.db, { jobId, now: model.now, by })).toThrow(
          expect.objectContaining({ code: "job.wrong-state" }),
        );
      else real.jobs[wanted] = retryJob(real.db, { jobId, now: model.now, by }).id;
    }),
  ),
  fc.constantFrom(0, 1000, 15_000, 20_001, 60_001, 130_000, 3_600_000, -1000, -3_600_000).map((ms) =>
    step(`${ms} ms pass, reap`, (model, real) => {
      model.now += ms;
      reapAttempts(real.db, { ...windows, now: model.now, pardonedUntil: model.pardonedUntil });
      model.reap();
    }),
  ),
  fc.constantFrom(100, 5000, 30_000, 1_000_000, -20_000, -3_600_000).map((ms) =>
    step(`${ms} ms pass unseen`, (model) => {
      model.now += ms;
    }),
  ),
  fc.constant(
    step("expire", (model, real) => {
      expireJobs(real.db, { now: model.now, queueMs: windows.queueMs });
      model.expire();
    }),
  ),
  fc.nat(2).map((runner) =>
    step(`boot ${runner} anew`, (model, real) => {
      const { name: _name, systemId: _id, ...facts } = registrationOf(model, runner);
      openSession(real.db, { runnerId: real.runners[runner] ?? "", facts, now: model.now });
      model.reboot(runner);
    }),
  ),
  fc.constantFrom(0, 1000, 60_001).map((ms) =>
    step(`restart with amnesty, ${ms} ms pass, reap`, (model, real) => {
      real.db.close();
      real.db = openDatabase(real.file);
      grantAmnesty(real.db, { now: model.now, leaseMs });
      model.amnesty();
      model.now += ms;
      reapAttempts(real.db, { ...windows, now: model.now, pardonedUntil: model.pardonedUntil });
      model.reap();
    }),
  ),
];

function registrationOf(model: QueueModel, runner: number) {
  const { slots = 1, hasZone = false } = model.runners[runner] ?? {};
  return aRegistration({ slots, labels: hasZone ? { zone: "a" } : {} });
}

const aModel = () =>
  new QueueModel([
    { slots: 1, hasZone: false },
    { slots: 3, hasZone: true },
    { slots: 2, hasZone: true },
  ]);

/** A database with the three runners, to be copied: making one takes longer than a history. */
function makeTemplate(folder: string): { file: string; runners: string[] } {
  const file = join(folder, "template.db");
  const db = openDatabase(file);
  const model = aModel();
  const runners = model.runners.map(
    (_one, index) =>
      registerRunner(db, { registration: registrationOf(model, index), tokenHash: String(index), now: model.now }).id,
  );
  db.close();
  return { file, runners };
}

function setup(folder: string, template: { file: string; runners: string[] }): { model: QueueModel; real: Real } {
  const file = join(mkdtempSync(join(folder, "run-")), "winnow.db");
  copyFileSync(template.file, file);
  const { runners } = template;
  return {
    model: aModel(),
    real: { db: openDatabase(file), file, jobs: [], runners, given: [], claims: 0, tokens: 0 },
  };
}

it(`the queue does what the model says, over ${runs} histories of 60 steps`, { timeout: 3_600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "winnow-model-"));
  const template = makeTemplate(folder);
  let steps = 0;
  const ends = new Map<string, number>();
  try {
    fc.assert(
      fc.property(
        fc.commands([...commands, ...commands.slice(0, 2), ...commands.slice(3, 6), ...commands.slice(3, 4)], {
          maxCommands: 60,
          size: "max",
        }),
        (history) => {
          const pair = setup(folder, template);
          try {
            fc.modelRun(() => pair, history);
          } finally {
            pair.real.db.close();
            rmSync(dirname(pair.real.file), { recursive: true });
          }
          steps += [...history].length;
          for (const { state, attempts } of pair.model.jobs)
            for (const one of [state, ...attempts.map((at) => `attempt ${at.isDropped ? "dropped" : at.state}`)])
              ends.set(one, (ends.get(one) ?? 0) + 1);
        },
      ),
      { numRuns: runs, interruptAfterTimeLimit: limitMs, markInterruptAsFailure: true },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
  // That it went everywhere: every state of jobs and of attempts was reached, many times.
  const reached = ["queued", "running", "canceling", "succeeded", "failed", "canceled", "expired"];
  const tried = ["claimed", "running", "succeeded", "failed", "canceled", "lost", "released", "dropped"].map(
    (one) => `attempt ${one}`,
  );
  for (const state of [...reached, ...tried]) expect(ends.get(state) ?? 0, state).toBeGreaterThan(0);
  if (process.env.WINNOW_MODEL_RUNS) console.log(JSON.stringify({ steps, ...Object.fromEntries(ends) }));
});

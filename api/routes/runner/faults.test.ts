import { randomUUID } from "node:crypto";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { Claimed, type ClaimedJob, logNextHeader, Registered } from "#contract/service/runner-protocol.ts";
import { createApp } from "../../app.ts";
import { readJob } from "../../db/read-job.ts";
import { readReport } from "../../db/read-report.ts";
import { createQueue } from "../../queue/job-queue.ts";
import { type Fault, faults } from "./faults.builder.ts";
import {
  attemptCalls,
  offerOf,
  type ProtocolUnderTest,
  protocolUnderTest,
  registrationOf,
  reportOf,
  senderTo,
  sha256Of,
  succeeded,
} from "./protocol.builder.ts";

const said = ["resolve grün\n", "observe\n", "verify\n"];
const whole = said.join("");
const note = (text: string) => ({ kind: "note", text });
const maxTries = 4;

/** A runner that does one job, and says everything again that was not answered. `look` is called after each answer. */
async function work(at: ProtocolUnderTest, send: ReturnType<typeof senderTo>, look: () => Promise<void>) {
  const insist = async (call: () => Promise<Response>): Promise<Response> => {
    for (let tries = 1; ; tries += 1) {
      const answer = await call();
      await look();
      if (answer.ok || answer.status === 416) return answer;
      expect(answer.status, await answer.text()).toBeGreaterThanOrEqual(500);
      expect(tries).toBeLessThan(maxTries);
    }
  };
  const registration = registrationOf("host-1");
  const registered = await insist(() => send("POST /runners", { token: at.tokenOf("runner"), body: registration }));
  const { token } = Registered.parse(await registered.json());
  const body = { claimId: randomUUID(), slots: 1 };
  const claimed = await insist(() => send("POST /runner/claim", { token, body }));
  const [job] = Claimed.parse(await claimed.json()).jobs as [ClaimedJob]; // the schema wants one at least
  const own = attemptCalls(send, job);
  const { jobId, attempt, lease } = job;
  const source = { key: `sha256:${"1".repeat(64)}`, chainId: `sha256:${"2".repeat(64)}`, os: "linux" };
  const sendLog = async (from: number) => {
    const answer = await insist(() => own.log(from, Buffer.from(whole).subarray(from)));
    if (answer.status === 416) await sendLog(Number(answer.headers.get(logNextHeader)));
  };
  const store = async (name: string, content: string) => {
    await insist(() => own.post("artifacts", offerOf(name, content)));
    await insist(() => own.put(name, content));
    await insist(() => own.post(`artifacts/${name}/commit`));
  };

  await insist(() => own.post("start"));
  await insist(() => own.post("source", { ...source, architecture: "amd64" }));
  await insist(() => own.post("progress", { from: 0, events: [note("0"), note("1")] }));
  await insist(() => own.log(0, said[0] ?? ""));
  const attempts = [{ jobId, attempt, lease }];
  const beat = await insist(() => send("POST /runner/heartbeat", { token, body: { attempts } }));
  expect(await beat.json()).toMatchObject({ attempts: [{ action: "continue" }] });
  await insist(() => own.post("progress", { from: 2, events: [note("2")] }));
  await sendLog(0);
  await store("report.json", reportOf(jobId));
  await store("graph.json", "{}");
  for (;;) {
    const answer = await insist(() => own.post("finish", succeeded(whole)));
    if (answer.status !== 416) return await answer.json();
    await sendLog(Number(answer.headers.get(logNextHeader)));
  }
}

/** What must hold at any moment, seen without faults. */
async function assertLegal({ db, deps }: ProtocolUnderTest, jobId: string): Promise<void> {
  const job = readJob(db, jobId);
  const { summary, artifacts } = readReport(db, jobId);
  expect(job.attempts.length).toBeLessThanOrEqual(1);
  const states = [job.state, job.attempts[0]?.state];
  expect([
    ["queued", undefined],
    ["running", "claimed"],
    ["running", "running"],
    ["succeeded", "succeeded"],
  ]).toContainEqual(states);
  const notes = job.events.filter(({ kind }) => kind === "note").map(({ detail }) => detail.text);
  expect(notes).toEqual(["0", "1", "2"].slice(0, notes.length));
  const names = artifacts.map(({ name }) => name);
  expect(names).toEqual(job.state === "succeeded" ? ["graph.json", "job.log", "report.json"] : []);
  expect(summary !== undefined).toBe(job.state === "succeeded");
  for (const { key, sha256 } of artifacts) expect(sha256Of(await text(await deps.store.get(key)))).toBe(sha256);
}

async function converse(fault: Fault): Promise<boolean> {
  const at = protocolUnderTest();
  const jobId = at.submit();
  at.tokenOf("runner");
  const { ofDb, ofMethods, begin, wasHit } = faults(fault);
  const db = ofDb(at.db);
  const { now, timings, log, store, logs } = at.deps;
  const queue = createQueue({ db, now, timings, log });
  const app = createApp({ ...at.deps, db, queue, store: ofMethods(store), logs: ofMethods(logs) });
  begin();
  const answer = await work(at, senderTo(app), () => assertLegal(at, jobId));
  expect(answer).toEqual({ state: "succeeded" });
  expect(readJob(at.db, jobId).events.filter(({ kind }) => kind === "note")).toHaveLength(3);
  expect(await text(await store.get(`jobs/${jobId}/1/job.log`))).toBe(whole);
  return wasHit();
}

const fourFrom = (at: number, mode: Fault["mode"]) =>
  Promise.all([0, 1, 2, 3].map((more) => converse({ at: at + more, mode })));

it.each(["before", "after"] as const)(
  "one call of the database, the store or the logs fails, whichever it is, %s its effect: the state stays legal and the job ends well",
  async (mode) => {
    let at = 1;
    while ((await fourFrom(at, mode)).every((wasHit) => wasHit)) at += 4;
    expect(at).toBeGreaterThan(60); // so many calls there are at least, else nothing was counted
  },
);

import { text } from "node:stream/consumers";
import { eq } from "drizzle-orm";
import { beforeEach, describe, expect, it } from "vitest";
import { Problem } from "#contract/service/problem.ts";
import { ArtifactTicket, logNextHeader, maxLogChunkBytes } from "#contract/service/runner-protocol.ts";
import { bodyOf } from "../../app-under-test.ts";
import { cancelJob } from "../../db/cancel-job.ts";
import { readJob } from "../../db/read-job.ts";
import { readReport } from "../../db/read-report.ts";
import { artifacts, attempts, jobs, uploads } from "../../db/schema.ts";
import { directoryStore } from "../../store/directory.ts";
import {
  attemptCalls,
  failed,
  offerOf,
  type ProtocolUnderTest,
  protocolUnderTest,
  reportOf,
  sha256Of,
  succeeded,
} from "../runner/protocol.builder.ts";

let at: ProtocolUnderTest;
let own: Awaited<ReturnType<ProtocolUnderTest["attempt"]>>;
beforeEach(async () => {
  at = protocolUnderTest();
  own = await at.attempt();
});

const codeOf = async (answer: Response) => ({ status: answer.status, code: (await bodyOf(answer, Problem)).code });
const stateOf = () => {
  const { state, attempts } = readJob(at.db, own.job.jobId);
  return [state, ...attempts.map((one) => one.state)];
};
/** The server gives the job away, as it does with one whose runner is silent. */
const loseLease = () => {
  at.db.update(jobs).set({ lease: 99 }).where(eq(jobs.id, own.job.jobId)).run();
};
const source = {
  key: `sha256:${"1".repeat(64)}`,
  chainId: `sha256:${"2".repeat(64)}`,
  os: "linux",
  architecture: "arm64",
};
const note = (words: string) => ({ kind: "note", text: words });
const bodies = {
  start: undefined,
  source,
  progress: { from: 0, events: [note("hello")] },
  artifacts: offerOf("a", "1"),
  "artifacts/a/commit": undefined,
  finish: failed("app.exited"),
  release: { reason: "drain" },
};
const everyCall = [...Object.entries(bodies), ["log", "x"] as const, ["put", "x"] as const];
const send = async (calls: typeof own, [call, body]: readonly [string, unknown]) => {
  if (call === "log") return await calls.log(0, "x");
  return call === "put" ? await calls.put("a", "1") : await calls.post(call, body);
};

describe("each call of an attempt", () => {
  it.each(everyCall)("%s is for the bearer of its token", async (...call) => {
    const other = await at.attempt("other:1");
    const withToken = async (token: string | undefined) => {
      const job = { ...own.job, token: token as string }; // no token is one of the cases
      return await codeOf(await send({ ...own, ...attemptCalls(at.send, job) }, call));
    };
    expect(await withToken(undefined)).toEqual({ status: 401, code: "token.missing" });
    expect(await withToken(`${own.job.token.slice(0, -1)}_`)).toEqual({ status: 401, code: "token.invalid" });
    expect(await withToken(other.job.token)).toEqual({ status: 403, code: "token.denied" });
    expect(await withToken(own.runner.token)).toEqual({ status: 403, code: "token.denied" });
    expect(await withToken(at.tokenOf("admin"))).toEqual({ status: 403, code: "token.denied" });
    expect(stateOf()).toEqual(["running", "running"]);
  });

  it.each(everyCall)("%s is refused once the lease is gone", async (...call) => {
    await own.post("artifacts", offerOf("a", "1"));
    loseLease();
    expect(await codeOf(await send(own, call))).toEqual({ status: 409, code: "lease.lost" });
    expect(stateOf()).toEqual(["running", "running"]);
    expect(await at.deps.store.list("jobs/")).toEqual([]);
  });

  it.each(everyCall.filter(([call]) => call !== "finish"))("%s is refused after the end", async (...call) => {
    await own.post("finish", failed("app.exited"));
    expect(await codeOf(await send(own, call))).toEqual({ status: 409, code: "lease.lost" });
    expect(stateOf()).toEqual(["failed", "failed"]);
  });

  it.each(everyCall.filter(([call]) => !["start", "release"].includes(call)))(
    "%s comes after start",
    async (...call) => {
      at.submit("other:1");
      const runner = await at.register("host-2");
      const [job] = await at.claim(runner.token);
      const early = { ...own, ...attemptCalls(at.send, job ?? own.job) };
      expect(await codeOf(await send(early, call))).toEqual({ status: 409, code: "job.wrong-state" });
    },
  );

  it.each([undefined, "0", "2", "one", "1.0"])("needs the protocol, not %j", async (version) => {
    const headers = { "winnow-protocol": version ?? "" };
    const answer = await at.send(`POST ${own.path}/start`, { token: own.job.token, headers });
    expect(await codeOf(answer)).toEqual({ status: 426, code: "protocol.too-old" });
  });

  it.each(["/attempts/job_a/1x/start", "/attempts/..%2Fjob_a/1/start", "/attempts/JOB_A/1/start"])(
    "has no attempt at %s",
    async (path) => {
      const { status } = await at.send(`POST ${path}`, { token: own.job.token });
      expect([403, 422]).toContain(status);
    },
  );
});

describe("start", () => {
  it("says the same again", async () => {
    expect(await (await own.post("start")).json()).toEqual({ leaseMs: 60_000 });
    expect(stateOf()).toEqual(["running", "running"]);
  });
});

describe("release", () => {
  it("gives the job back; its answer may get lost", async () => {
    expect((await own.post("release", { reason: "disk" })).status).toBe(204);
    expect((await own.post("release", { reason: "disk" })).status).toBe(204);
    expect(stateOf()).toEqual(["queued", "released"]);
    const other = await at.register("host-2");
    expect(await at.claim(other.token)).toMatchObject([{ jobId: own.job.jobId, attempt: 2 }]);
  });

  it("does not take another reason than those that are known", async () => {
    expect(await codeOf(await own.post("release", { reason: "tired" }))).toEqual({
      status: 422,
      code: "request.invalid",
    });
  });
});

describe("source", () => {
  it("notes what the image is and says to work", async () => {
    expect(await (await own.post("source", source)).json()).toEqual({ action: "work" });
    expect(readJob(at.db, own.job.jobId)).toMatchObject({ sourceKey: source.key, architecture: "arm64" });
  });

  it("names an earlier result of the same work, with its slim image", async () => {
    await own.post("source", source);
    await own.store("report.json", reportOf(own.job.jobId));
    expect((await own.post("finish", succeeded())).status).toBe(200);
    const again = await at.attempt();
    const slim = { tags: ["web.slim:1"], chainId: `sha256:${"b".repeat(64)}` };
    expect(await (await again.post("source", source)).json()).toEqual({
      action: "cached",
      jobId: own.job.jobId,
      slim,
    });
    const finish = await again.post("finish", { ...succeeded(), cachedFrom: own.job.jobId });
    expect(await finish.json()).toEqual({ state: "succeeded" });
    expect(readJob(at.db, again.job.jobId)).toMatchObject({ cachedFrom: own.job.jobId });
  });

  it.each([
    { ...source, key: "sha256:1" },
    { ...source, extra: 1 },
  ])("refuses %j", async (body) => {
    expect((await own.post("source", body)).status).toBe(422);
  });
});

describe("progress", () => {
  const told = () =>
    readJob(at.db, own.job.jobId)
      .events.filter(({ kind }) => kind !== "state")
      .map(({ detail }) => detail);

  it("becomes the job's history, each event once, whatever comes twice", async () => {
    const events = [note("0"), note("1"), note("2")];
    expect(await (await own.post("progress", { from: 0, events: events.slice(0, 2) })).json()).toEqual({ next: 2 });
    expect(await (await own.post("progress", { from: 0, events: events.slice(0, 2) })).json()).toEqual({ next: 2 });
    expect(await (await own.post("progress", { from: 1, events: events.slice(1) })).json()).toEqual({ next: 3 });
    expect(told()).toEqual([{ text: "0" }, { text: "1" }, { text: "2" }]);
  });

  it("takes nothing after a gap, and says where it begins", async () => {
    expect(await (await own.post("progress", { from: 3, events: [note("3")] })).json()).toEqual({ next: 0 });
    expect(told()).toEqual([]);
  });

  it("says in which stage the job is", async () => {
    const stage = (name: string) => ({ kind: "stage", stage: name, state: "started" });
    const done = { kind: "stage", stage: "resolve", state: "done", durationMs: 3, detail: "web:1" };
    await own.post("progress", { from: 0, events: [stage("resolve"), done, stage("observe")] });
    expect(readJob(at.db, own.job.jobId).stage).toBe("observe");
    expect(told()[1]).toEqual({ stage: "resolve", state: "done", durationMs: 3, detail: "web:1" });
  });

  it.each([
    { from: -1, events: [note("x")] },
    { from: 0, events: [] },
    { from: 0, events: [{ kind: "note", text: 1 }] },
    { from: 0, events: [{ kind: "state", state: "succeeded" }] },
  ])("refuses %j", async (body) => {
    expect((await own.post("progress", body)).status).toBe(422);
  });
});

describe("log", () => {
  it("grows, and says what it wants next", async () => {
    const first = await own.log(0, "grün\n");
    expect([first.status, await first.json()]).toEqual([202, { next: 6 }]);
    expect(await (await own.log(6, "x")).json()).toEqual({ next: 7 });
    expect(await (await own.log(0, "grün\n")).json()).toEqual({ next: 7 });
    expect(await text(await at.deps.logs.read(own.job.jobId, 1))).toBe("grün\nx");
  });

  it("says with 416 from where to send again", async () => {
    await own.log(0, "0123");
    const answer = await own.log(9, "9");
    expect(answer.headers.get(logNextHeader)).toBe("4");
    expect(await codeOf(answer)).toEqual({ status: 416, code: "log.gap" });
  });

  it("refuses other bytes where there are some", async () => {
    await own.log(0, "0123");
    expect(await codeOf(await own.log(0, "9999"))).toEqual({ status: 409, code: "lease.lost" });
  });

  it("takes chunks of a size, and no more", async () => {
    expect((await own.log(0, "x".repeat(maxLogChunkBytes))).status).toBe(202);
    const answer = await own.log(0, "x".repeat(maxLogChunkBytes + 1));
    expect(await codeOf(answer)).toEqual({ status: 413, code: "request.too-large" });
  });

  it.each(["-1", "1.5", "", "0x10", "9".repeat(30)])("refuses the offset %j", async (offset) => {
    expect(await codeOf(await own.log(offset, "x"))).toEqual({ status: 422, code: "request.invalid" });
  });
});

describe("an artifact", () => {
  const content = "the file graph";
  const key = () => `jobs/${own.job.jobId}/1/graph.json`;

  it("is offered, sent and committed", async () => {
    const ticket = await bodyOf(await own.post("artifacts", offerOf("graph.json", content)), ArtifactTicket);
    expect(ticket).toMatchObject({ url: `/api/v1${own.path}/artifacts/graph.json` });
    expect(ticket.expiresAt).toBeGreaterThan(at.clock.now);
    const put = await at.send(`PUT ${ticket.url}`, { token: own.job.token, bytes: content, headers: ticket.headers });
    expect(put.status).toBe(204);
    expect((await own.post("artifacts/graph.json/commit")).status).toBe(204);
    expect((await own.post("artifacts/graph.json/commit")).status).toBe(204);
    expect(await text(await at.deps.store.get(key()))).toBe(content);
  });

  it.each([["the file grapf"], ["the file grap"], ["the file graphs"], [""]])("is not %j instead", async (other) => {
    await own.post("artifacts", offerOf("graph.json", content));
    expect(await codeOf(await own.put("graph.json", other))).toEqual({ status: 422, code: "artifact.mismatch" });
    expect(await codeOf(await own.post("artifacts/graph.json/commit"))).toEqual({
      status: 422,
      code: "artifact.mismatch",
    });
    expect(await at.deps.store.stat(key())).toBeUndefined();
    expect((await own.put("graph.json", content)).status).toBe(204);
  });

  it("may be replaced by another offer, which has to be sent too", async () => {
    await own.store("graph.json", content);
    await own.post("artifacts", offerOf("graph.json", "another text 1"));
    expect(await codeOf(await own.post("artifacts/graph.json/commit"))).toEqual({
      status: 422,
      code: "artifact.mismatch",
    });
    expect((await own.put("graph.json", "another text 1")).status).toBe(204);
    expect(at.db.select().from(uploads).all()).toMatchObject([{ sha256: sha256Of("another text 1") }]);
  });

  it("that was offered again as it was stays committed", async () => {
    await own.store("graph.json", content);
    await own.post("artifacts", offerOf("graph.json", content));
    expect(at.db.select().from(uploads).get()?.committedAt).toBe(at.clock.now);
  });

  it("has to be offered first", async () => {
    expect(await codeOf(await own.put("graph.json", content))).toEqual({ status: 404, code: "artifact.not-found" });
    const commit = await own.post("artifacts/graph.json/commit");
    expect(await codeOf(commit)).toEqual({ status: 404, code: "artifact.not-found" });
  });

  it.each(["..", "../x", ".hidden", "a/b", "a b", "", "x".repeat(101), "a\0", "-x"])(
    "is not called %j",
    async (name) => {
      expect((await own.post("artifacts", offerOf(name, content))).status).toBe(422);
      const put = await own.put(encodeURIComponent(name), content);
      expect([404, 422]).toContain(put.status);
      expect(await at.deps.store.list("jobs/")).toEqual([]);
    },
  );

  it("is never the log, which has a call of its own", async () => {
    expect(await codeOf(await own.post("artifacts", offerOf("job.log", "x")))).toEqual({
      status: 422,
      code: "request.invalid",
    });
  });

  it("is one of a hundred at most", async () => {
    for (let n = 0; n < 100; n += 1) await own.post("artifacts", offerOf(`a${n}`, "x"));
    expect((await own.post("artifacts", offerOf("a0", "y"))).status).toBe(200);
    expect((await own.post("artifacts", offerOf("a100", "x"))).status).toBe(422);
  });

  it("goes straight to a store that can presign, and is checked there", async () => {
    const { store } = at.deps;
    let granted: unknown;
    at = protocolUnderTest({
      store: {
        ...store,
        presignPut: async (where, grant) => {
          granted = { where, ...grant };
          return { url: "http://store/x", headers: { "x-sum": "1" } };
        },
      },
    });
    own = await at.attempt();
    const offer = offerOf("graph.json", content);
    const ticket = await (await own.post("artifacts", offer)).json();
    expect(ticket).toMatchObject({ url: "http://store/x", headers: { "x-sum": "1" } });
    expect(granted).toMatchObject({ where: key(), bytes: offer.bytes, sha256: offer.sha256 });
    expect(await codeOf(await own.post("artifacts/graph.json/commit"))).toEqual({
      status: 422,
      code: "artifact.mismatch",
    });
    await store.put(key(), "the file grapf");
    expect(await codeOf(await own.post("artifacts/graph.json/commit"))).toEqual({
      status: 422,
      code: "artifact.mismatch",
    });
    await store.put(key(), content);
    expect((await own.post("artifacts/graph.json/commit")).status).toBe(204);
  });
});

describe("finish", () => {
  const finish = (body: unknown) => own.post("finish", body);

  it("ends the job with its report, its artifacts and its log", async () => {
    await own.log(0, "all is well\n");
    await own.store("report.json", reportOf(own.job.jobId));
    await own.store("graph.json", "{}");
    await own.post("artifacts", offerOf("never-sent", "x"));
    expect(await (await finish(succeeded("all is well\n"))).json()).toEqual({ state: "succeeded" });
    const { summary, artifacts } = readReport(at.db, own.job.jobId);
    expect(summary).toMatchObject({ verdict: "verified", attempt: 1 });
    expect(artifacts.map(({ name }) => name)).toEqual(["graph.json", "job.log", "report.json"]);
    for (const { key, bytes, sha256 } of artifacts) {
      const stored = await text(await at.deps.store.get(key));
      expect({ bytes: Buffer.byteLength(stored), sha256: sha256Of(stored) }).toEqual({ bytes, sha256 });
    }
    expect(await at.deps.logs.list()).toEqual([]);
  });

  it("gives the same answer to the same body for ever, and lease.lost to another", async () => {
    await own.log(0, "x");
    const answers = await Promise.all([finish(failed("app.exited", "x")), finish(failed("app.exited", "x"))]);
    expect(await Promise.all(answers.map((one) => one.json()))).toEqual([{ state: "failed" }, { state: "failed" }]);
    expect(await (await finish(failed("app.exited", "x"))).json()).toEqual({ state: "failed" });
    expect(await codeOf(await finish(failed("docker.failed", "x")))).toEqual({ status: 409, code: "lease.lost" });
    expect(at.db.select().from(artifacts).all()).toHaveLength(1);
  });

  it("queues a job again whose failure may pass, and keeps the log until upkeep", async () => {
    await own.log(0, "x");
    expect(await (await finish(failed("docker.failed", "x"))).json()).toEqual({ state: "queued" });
    expect(await (await finish(failed("docker.failed", "x"))).json()).toEqual({ state: "queued" });
    expect(stateOf()).toEqual(["queued", "failed"]);
    expect(await text(await at.deps.logs.read(own.job.jobId, 1))).toBe("x");
  });

  it("waits for the whole log, and says what is missing", async () => {
    await own.log(0, "0123");
    const answer = await finish(failed("app.exited", "012345"));
    expect(answer.headers.get(logNextHeader)).toBe("4");
    expect(await codeOf(answer)).toEqual({ status: 416, code: "log.gap" });
    expect(stateOf()).toEqual(["running", "running"]);
    await own.log(4, "45");
    expect((await finish(failed("app.exited", "012345"))).status).toBe(200);
  });

  it("asks for the log from its beginning when it is another one than was sent", async () => {
    await own.log(0, "0123");
    const answer = await finish(failed("app.exited", "abcd"));
    expect([answer.status, answer.headers.get(logNextHeader)]).toEqual([416, "0"]);
    await own.log(0, "abcd");
    expect((await finish(failed("app.exited", "abcd"))).status).toBe(200);
  });

  it.each([
    ["no report at all", "{}"],
    ["no JSON", "{"],
    ["the report of another job", reportOf("job_other")],
    ["of another schema version", reportOf("job_other").replace('"schemaVersion":1', '"schemaVersion":99')],
  ])("refuses a report.json that is %s", async (_what, content) => {
    await own.store("report.json", content);
    expect(await codeOf(await finish(succeeded()))).toEqual({ status: 422, code: "request.invalid" });
    expect(stateOf()).toEqual(["running", "running"]);
    await own.store("report.json", reportOf(own.job.jobId));
    expect((await finish(succeeded())).status).toBe(200);
  });

  it("does not read a report that is too large", async () => {
    const tooLarge = {
      jobId: own.job.jobId,
      attempt: 1,
      name: "report.json",
      bytes: (64 << 20) + 1,
      sha256: sha256Of(""),
    };
    at.db
      .insert(uploads)
      .values({ ...tooLarge, offeredAt: 1, committedAt: 1 })
      .run();
    expect(await codeOf(await finish(succeeded()))).toEqual({ status: 422, code: "request.invalid" });
  });

  it("believes no success without a report, but a failure", async () => {
    expect(await codeOf(await finish(succeeded()))).toEqual({ status: 422, code: "request.invalid" });
    expect((await finish(failed("app.exited"))).status).toBe(200);
  });

  it("does not take a result of other work for an answer", async () => {
    const body = { ...succeeded(), cachedFrom: "job_other" };
    expect(await codeOf(await finish(body))).toEqual({ status: 422, code: "request.invalid" });
  });

  it("is canceled when somebody asked for that, whatever went wrong", async () => {
    cancelJob(at.db, { jobId: own.job.jobId, now: at.clock.now, by: "somebody" });
    expect(await (await finish(failed("docker.failed"))).json()).toEqual({ state: "canceled" });
    expect(stateOf()).toEqual(["canceled", "canceled"]);
  });

  it("is tried again by the runner while the store is down", async () => {
    const { store } = at.deps;
    const { put, get } = store;
    const down = directoryStore("/dev/null/store"); // no directory can be made there
    await own.log(0, "x");
    await own.store("report.json", reportOf(own.job.jobId));
    for (const change of [{ put: down.put }, { get: down.get }]) {
      Object.assign(store, { put, get }, change);
      const answer = await finish(failed("app.exited", "x"));
      expect(answer.headers.get("retry-after")).toBe("1");
      expect(await codeOf(answer)).toEqual({ status: 503, code: "store.failed" });
      expect(stateOf()).toEqual(["running", "running"]);
    }
    Object.assign(store, { put, get });
    expect((await finish(failed("app.exited", "x"))).status).toBe(200);
  });

  it.each([
    {},
    { outcome: { state: "succeeded" } },
    { ...succeeded(), extra: 1 },
    { ...succeeded(), outcome: { state: "lost" } },
  ])("refuses %j", async (body) => {
    expect((await finish(body)).status).toBe(422);
  });
});

it("no attempt's token is stored", async () => {
  const stored = JSON.stringify(at.db.select().from(attempts).all());
  expect(stored).not.toContain(own.job.token);
  expect(stored).toContain(sha256Of(own.job.token));
});

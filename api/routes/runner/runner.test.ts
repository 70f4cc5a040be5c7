import { randomUUID } from "node:crypto";
import { eq } from "drizzle-orm";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "#contract/service/problem.ts";
import { Claimed, HeartbeatAnswer, Registered, Session } from "#contract/service/runner-protocol.ts";
import { bodyOf } from "../../app-under-test.ts";
import { cancelJob } from "../../db/cancel-job.ts";
import { readJob } from "../../db/read-job.ts";
import { jobs, runners } from "../../db/schema.ts";
import { listen } from "../../server.ts";
import { attemptCalls, type ProtocolUnderTest, protocolUnderTest, registrationOf } from "./protocol.builder.ts";

let at: ProtocolUnderTest;
beforeEach(() => {
  at = protocolUnderTest();
});

const codeOf = async (answer: Response) => ({ status: answer.status, code: (await bodyOf(answer, Problem)).code });
const { name: _name, systemId: _systemId, ...facts } = registrationOf("host-1");
const heartbeat = { attempts: [] };

describe("POST /runners", () => {
  it("makes a runner known, with a token of its own and all intervals", async () => {
    const { runnerId, token, serverTime, timings, registration } = await at.register();
    expect(token).toMatch(/^wrun_/);
    expect([serverTime, timings]).toEqual([at.clock.now, at.deps.timings]);
    expect(at.db.select().from(runners).all()).toMatchObject([{ id: runnerId, name: registration.name, slots: 4 }]);
    expect(JSON.stringify(at.db.select().from(runners).all())).not.toContain(token);
  });

  it("gives the same host the same runner with a new token, and the old one is void", async () => {
    const first = await at.register();
    const again = await at.send("POST /runners", { token: at.tokenOf("runner"), body: first.registration });
    const second = await bodyOf(again, Registered);
    expect(second.runnerId).toBe(first.runnerId);
    const withFirst = await at.send("POST /runner/heartbeat", { token: first.token, body: heartbeat });
    expect(await codeOf(withFirst)).toEqual({ status: 401, code: "token.invalid" });
    expect((await at.send("POST /runner/heartbeat", { token: second.token, body: heartbeat })).status).toBe(200);
  });

  it.each(["admin", "submit", "read", "hook"] as const)("is not for a token of scope %s", async (scope) => {
    const answer = await at.send("POST /runners", { token: at.tokenOf(scope), body: registrationOf("host-1") });
    expect(await codeOf(answer)).toEqual({ status: 403, code: "token.denied" });
  });

  it.each([
    { name: "../host" },
    { systemId: "host" },
    { slots: 0 },
    { slots: 65 },
    { labels: { "a b": "c" } },
    { extra: 1 },
    { engine: { ...facts.engine, architectures: [] } },
  ])("refuses %j", async (change) => {
    const body = { ...registrationOf("host-1"), ...change };
    const answer = await at.send("POST /runners", { token: at.tokenOf("runner"), body });
    expect(await codeOf(answer)).toEqual({ status: 422, code: "request.invalid" });
  });
});

const calls = { session: facts, claim: { claimId: randomUUID(), slots: 1 }, heartbeat };

describe("each call of a runner", () => {
  it.each(Object.entries(calls))("%s is for the bearer of its token", async (call, body) => {
    const { token } = await at.register();
    const send = async (options: object) => await codeOf(await at.send(`POST /runner/${call}`, { body, ...options }));
    expect(await send({})).toEqual({ status: 401, code: "token.missing" });
    expect(await send({ token: "secret" })).toEqual({ status: 401, code: "token.invalid" });
    for (const scope of ["admin", "submit", "read", "runner", "hook"] as const)
      expect(await send({ token: at.tokenOf(scope) })).toEqual({ status: 403, code: "token.denied" });
    for (const version of ["0", "2", "x", ""])
      expect(await send({ token, headers: { "winnow-protocol": version } })).toEqual({
        status: 426,
        code: "protocol.too-old",
      });
  });

  it.each(Object.entries(calls))("%s is refused to a runner that was removed", async (call, body) => {
    const { token, runnerId } = await at.register();
    at.db.update(runners).set({ removedAt: 1 }).where(eq(runners.id, runnerId)).run();
    expect(await codeOf(await at.send(`POST /runner/${call}`, { token, body }))).toEqual({
      status: 401,
      code: "token.invalid",
    });
  });
});

describe("POST /runner/session", () => {
  it("ends what an earlier process held, which goes to others", async () => {
    const jobId = at.submit();
    const { token } = await at.register();
    const [job] = await at.claim(token);
    if (job) await attemptCalls(at.send, job).post("start");
    const same = await at.send("POST /runner/session", { token, body: { ...facts, bootId: randomUUID() } });
    expect(await bodyOf(same, Session)).toMatchObject({ serverTime: at.clock.now });
    const { state, attempts } = readJob(at.db, jobId);
    expect([state, attempts[0]?.state]).toEqual(["queued", "lost"]);
    const other = await at.register("host-2");
    expect(await at.claim(other.token)).toMatchObject([{ jobId, attempt: 2 }]);
  });

  it("keeps what the same process holds", async () => {
    const jobId = at.submit();
    const { token, registration } = await at.register();
    await at.claim(token);
    const body = { ...facts, bootId: registration.bootId };
    expect((await at.send("POST /runner/session", { token, body })).status).toBe(200);
    expect(readJob(at.db, jobId).state).toBe("running");
  });
});

describe("POST /runner/heartbeat", () => {
  it("extends leases, brings what people asked for, and gives up what the runner does not hold", async () => {
    const ids = [at.submit("a:1"), at.submit("b:1")];
    const { token } = await at.register();
    const claimed = await at.claim(token, 2);
    for (const job of claimed) await attemptCalls(at.send, job).post("start");
    const held = claimed.map(({ jobId, attempt, lease }) => ({ jobId, attempt, lease }));
    cancelJob(at.db, { jobId: ids[1] ?? "", now: at.clock.now, by: "somebody" });
    at.clock.now += 10_000;
    const attempts = [...held, { jobId: "job_other", attempt: 1, lease: 1 }];
    const answer = await at.send("POST /runner/heartbeat", { token, body: { attempts } });
    expect(await bodyOf(answer, HeartbeatAnswer)).toMatchObject({
      attempts: [{ action: "continue" }, { action: "cancel" }, { action: "abandon" }],
      runner: "continue",
      leaseMs: 60_000,
    });
    expect(readJob(at.db, ids[0] ?? "").leaseExpiresAt).toBe(at.clock.now + 60_000);
  });

  it("does not extend the lease of another runner's job", async () => {
    at.submit();
    const [first, second] = [await at.register("host-1"), await at.register("host-2")];
    const [job] = await at.claim(first.token);
    const attempts = [{ jobId: job?.jobId, attempt: job?.attempt, lease: job?.lease }];
    const answer = await at.send("POST /runner/heartbeat", { token: second.token, body: { attempts } });
    expect(await answer.json()).toMatchObject({ attempts: [{ action: "abandon" }] });
  });

  it("tells a runner to drain", async () => {
    const { token, runnerId } = await at.register();
    at.db.update(runners).set({ drainAskedAt: 1 }).where(eq(runners.id, runnerId)).run();
    const answer = await at.send("POST /runner/heartbeat", { token, body: heartbeat });
    expect(await answer.json()).toMatchObject({ runner: "drain" });
  });

  it("refuses what is no heartbeat", async () => {
    const { token } = await at.register();
    const attempts = Array.from({ length: 65 }, () => ({ jobId: "job_a", attempt: 1, lease: 1 }));
    for (const body of [{}, { attempts }, { attempts: [], diskFreeBytes: -1 }])
      expect((await at.send("POST /runner/heartbeat", { token, body })).status).toBe(422);
  });
});

describe("POST /runner/claim", () => {
  const claimOf = (change: object = {}) => ({ claimId: randomUUID(), slots: 1, ...change });

  it("gives a job with the token of its attempt", async () => {
    const jobId = at.submit();
    const { token } = await at.register();
    const [job] = await at.claim(token);
    expect(job).toMatchObject({ jobId, attempt: 1, force: false, request: { image: "web:1" } });
    expect(job?.token).toMatch(/^watt_/);
  });

  it("has no content when there is nothing to do", async () => {
    const { token } = await at.register();
    const answer = await at.send("POST /runner/claim", { token, body: claimOf() });
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
  });

  it("gives the same attempts to the same claim, with tokens that are good, and the earlier ones are void", async () => {
    at.submit();
    const { token } = await at.register();
    const body = claimOf();
    const [first, second] = [
      await bodyOf(await at.send("POST /runner/claim", { token, body }), Claimed),
      await bodyOf(await at.send("POST /runner/claim", { token, body }), Claimed),
    ].map(({ jobs: [job] }) => job);
    expect([second?.jobId, second?.lease]).toEqual([first?.jobId, first?.lease]);
    if (!first || !second) throw new Error("nothing was claimed");
    expect((await attemptCalls(at.send, first).post("start")).status).toBe(401);
    expect((await attemptCalls(at.send, second).post("start")).status).toBe(200);
    expect((await at.send("POST /runner/claim", { token, body })).status).toBe(204);
  });

  it("waits for a job and is woken by it", async () => {
    const { token } = await at.register();
    const waiting = at.send("POST /runner/claim", { token, body: claimOf({ waitMs: 20_000 }) });
    await vi.waitUntil(() => at.deps.queue.waiting === 1);
    const jobId = at.submit();
    expect(await (await waiting).json()).toMatchObject({ jobs: [{ jobId }] });
  });

  it("gives its place free when the runner hangs up", async () => {
    const { token } = await at.register();
    const server = await listen(at.app, { host: "127.0.0.1", port: 0 });
    const hangUp = new AbortController();
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", "winnow-protocol": "1" };
    const body = JSON.stringify(claimOf({ waitMs: 20_000 }));
    const { signal } = hangUp;
    const gone = fetch(`${server.url}/api/v1/runner/claim`, { method: "POST", headers, body, signal });
    const ended = expect(gone).rejects.toThrow("aborted");
    await vi.waitUntil(() => at.deps.queue.waiting === 1);
    hangUp.abort();
    await ended;
    await vi.waitUntil(() => at.deps.queue.waiting === 0);
    at.submit();
    expect(at.db.select().from(jobs).get()).toMatchObject({ state: "queued", attempt: 0 });
    await server.stop(0);
  });

  it("is answered with 503 and a time by a server that drains, also when it waited", async () => {
    const { token } = await at.register();
    const waiting = at.send("POST /runner/claim", { token, body: claimOf({ waitMs: 20_000 }) });
    await vi.waitUntil(() => at.deps.queue.waiting === 1);
    at.deps.lifecycle.isDraining = true;
    at.deps.queue.drain();
    for (const answer of [await waiting, await at.send("POST /runner/claim", { token, body: claimOf() })]) {
      expect(answer.headers.get("retry-after")).toBe("2");
      expect(await codeOf(answer)).toEqual({ status: 503, code: "service.draining" });
    }
  });

  it.each([{ claimId: "x" }, { slots: 0 }, { slots: 17 }, { waitMs: -1 }])("refuses %j", async (change) => {
    const { token } = await at.register();
    const answer = await at.send("POST /runner/claim", { token, body: claimOf(change) });
    expect(await codeOf(answer)).toEqual({ status: 422, code: "request.invalid" });
  });
});

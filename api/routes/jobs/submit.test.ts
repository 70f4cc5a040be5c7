import { beforeEach, describe, expect, it } from "vitest";
import { Submitted } from "#contract/service/job-view.ts";
import { Problem } from "#contract/service/problem.ts";
import { appUnderTest, bodyOf } from "../../app-under-test.ts";
import { audit, idempotency, jobs } from "../../db/schema.ts";

let at: ReturnType<typeof appUnderTest>;
beforeEach(() => {
  at = appUnderTest();
});

const body = { request: { image: "web:1" } };
const submit = (options: { body?: unknown; key?: string; headers?: Record<string, string> } = {}) =>
  at.call("POST /jobs", {
    token: at.tokenOf("submit"),
    body: options.body ?? body,
    headers: { ...(options.key && { "idempotency-key": options.key }), ...options.headers },
  });

describe("POST /jobs", () => {
  it("queues a job, says where it is, and shows it", async () => {
    const answer = await submit();
    expect(answer.status).toBe(201);
    const { job, isNew } = await bodyOf(answer, Submitted);
    expect(isNew).toBe(true);
    expect(job).toMatchObject({ state: "queued", image: "web:1", attempts: 0, history: [] });
    expect(answer.headers.get("location")).toBe(`/api/v1/jobs/${job.id}`);
    const read = await at.call(`GET /jobs/${job.id}`, { token: at.tokenOf("read") });
    expect(await read.json()).toEqual(job);
  });

  it("names each fault by its pointer", async () => {
    const answer = await submit({ body: { request: { image: "", scenarios: [{ "a/b": 1 }] }, prority: 1 } });
    expect(answer.status).toBe(422);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    const problem = await bodyOf(answer, Problem);
    expect(problem).toMatchObject({ code: "request.invalid", type: "/problems/request.invalid" });
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(
      expect.arrayContaining(["/request/image", "/request/scenarios/0"]),
    );
  });

  it.each([
    ["malformed JSON", "{", {}, 400, "request.malformed"],
    ["another type", "image=web:1", { "content-type": "text/plain" }, 415, "request.wrong-type"],
    ["too large", JSON.stringify({ request: { image: "a".repeat(1 << 20) } }), {}, 413, "request.too-large"],
  ])("refuses %s with a problem document", async (_title, text, headers, status, code) => {
    const answer = await submit({ body: text, headers });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({ code, status });
  });

  it("counts a body that does not say how long it is", async () => {
    const piece = new TextEncoder().encode(" ".repeat(64 << 10));
    let given = 0;
    const stream = new ReadableStream({
      pull: (controller) => (given++ < 1000 ? controller.enqueue(piece) : controller.close()),
    });
    const answer = await at.app.request("/api/v1/jobs", {
      method: "POST",
      body: stream,
      headers: { authorization: `Bearer ${at.tokenOf("submit")}`, "content-type": "application/json" },
      duplex: "half",
    } as RequestInit); // lib.dom knows no duplex
    expect(answer.status).toBe(413);
    expect(given).toBeLessThan(40);
  });
});

describe("an Idempotency-Key", () => {
  const count = () => at.db.select().from(jobs).all().length;

  it("gives the same answer again and makes one job", async () => {
    const [first, second] = [await submit({ key: "deploy-4711" }), await submit({ key: "deploy-4711" })];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(await second.json()).toEqual(await first.json());
    expect(count()).toBe(1);
  });

  it("makes one job of twenty requests at once", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => submit({ key: "deploy-4711" })));
    const ids = await Promise.all(answers.map(async (one) => (await bodyOf(one, Submitted)).job.id));
    expect(new Set(ids).size).toBe(1);
    expect(count()).toBe(1);
  });

  it("is refused with another body, and does nothing then", async () => {
    await submit({ key: "deploy-4711" });
    const answer = await submit({ key: "deploy-4711", body: { request: { image: "web:2" } } });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ code: "idempotency.mismatch" });
    expect(count()).toBe(1);
  });

  it("belongs to its token: another one's is another key", async () => {
    await submit({ key: "deploy-4711" });
    const answer = await at.call("POST /jobs", {
      token: at.tokenOf("admin"),
      body: { request: { image: "web:2" } },
      headers: { "idempotency-key": "deploy-4711" },
    });
    expect(answer.status).toBe(201);
    expect(count()).toBe(2);
  });

  it("stores nothing that can be read", async () => {
    await submit({ key: "deploy-4711" });
    expect(at.db.select().from(idempotency).get()?.body).not.toContain("web:1");
  });

  it("must be of visible characters", async () => {
    expect((await submit({ key: "short" })).status).toBe(422);
  });
});

describe("the audit", () => {
  it("has one row for each request that was let in, with its status, and none for others", async () => {
    const { job } = await bodyOf(await submit(), Submitted);
    await submit({ body: {} });
    await at.call("POST /jobs", { token: at.tokenOf("read"), body });
    await at.call("POST /jobs", { body });
    await at.call(`GET /jobs/${job.id}`, { token: at.tokenOf("admin") });
    expect(at.db.select().from(audit).all()).toMatchObject([
      { action: "POST /api/v1/jobs", object: job.id, status: 201 },
      { action: "POST /api/v1/jobs", object: null, status: 422 },
    ]);
  });
});

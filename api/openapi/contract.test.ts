// The API against its own document: every answer is one that the document describes, and every status that it describes is given.
import { randomUUID } from "node:crypto";
import { eq } from "drizzle-orm";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Timings } from "#contract/service/timings.ts";
import { appUnderTest } from "../app-under-test.ts";
import { issueToken } from "../db/issue-token.ts";
import { jobs, tokens } from "../db/schema.ts";
import { protocolUnderTest, reportOf, succeeded } from "../routes/runner/protocol.builder.ts";
import { breakableDb, busyError, fullError } from "./broken.builder.ts";
import { committedText } from "./committed.ts";
import { fillPath, makeJudge, type Operation, operationsOf } from "./operations.builder.ts";

const document = JSON.parse(committedText());
const operations = operationsOf(document);
const judge = makeJudge(document);

const settings = { streamMs: 10, lookMs: 2, requestBurst: 1e9, requestsPerSecond: 1e9 };
const timings = Timings.parse({ pollMs: 10 });

type Asked = {
  path?: string;
  query?: string;
  headers?: Record<string, string>;
  body?: string | ReadableStream;
  token?: string;
};

/** A server with a job that succeeded and one at work. `ask` notes each answer, and what is wrong with it by the document. */
async function world(change: Parameters<typeof appUnderTest>[0] = {}) {
  const at = protocolUnderTest({ timings, ...change, settings: { ...settings, ...change.settings } });
  const done = await at.attempt();
  for (const [name, content] of [
    ["report.json", reportOf(done.job.jobId)],
    ["files.jsonl", '{"path":"/a","type":"file","size":3,"kept":true}\n'],
  ] as const)
    await done.store(name, content);
  await done.log(0, "a log\n");
  expect((await done.post("finish", succeeded("a log\n"))).status).toBe(200);
  const { job, runner, post } = await at.attempt("web:2");
  const tokens = { token: at.tokenOf("admin"), runner: runner.token, attempt: job.token };
  const registration = at.tokenOf("runner");
  const spare = issueToken(at.db, { name: "spare", scope: "read", now: at.clock.now });
  const values: Record<string, string> = {
    jobId: job.jobId,
    attempt: String(job.attempt),
    name: "report.json",
    repository: "web",
  };
  const idOf = (path: string) =>
    path.includes("/runners/") ? runner.runnerId : path.includes("/tokens/") ? spare.id : done.job.jobId;
  const tokenFor = ({ needs }: Operation) =>
    needs?.scope === "runner" ? registration : needs && tokens[needs.scheme as keyof typeof tokens]; // the document's schemes
  const faults: string[] = [];
  const seen = new Set<string>();
  const ask = async (operation: Operation, asked: Asked = {}): Promise<number> => {
    const token = "token" in asked ? asked.token : tokenFor(operation);
    const path = asked.path ?? fillPath(operation.path, { ...values, id: idOf(operation.path) });
    const needed = operation.path === "/api/v1/compare" ? `?from=${done.job.jobId}&to=${done.job.jobId}` : "";
    const answer = await at.app.request(path + (asked.query ?? needed), {
      method: operation.method,
      body: asked.body,
      headers: {
        "winnow-protocol": "1",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...asked.headers,
      },
      ...(asked.body instanceof ReadableStream && { duplex: "half" }),
    });
    seen.add(`${operation.name} ${answer.status}`);
    const fault = await judge.faultOf(operation, answer);
    if (fault) faults.push(fault);
    return answer.status;
  };
  return { ...at, ask, faults, seen, done, job, post, values };
}

const json = { "content-type": "application/json" };
const exampleOf = (operation: Operation): unknown => operation.requestBody?.content["application/json"]?.example;
const hasJson = (operation: Operation) => operation.requestBody?.content["application/json"] !== undefined;

/** The value with one thing in it replaced, taken away, or added. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== "object" || value === null) return fc.oneof(fc.constant(value), fc.jsonValue(), hostile);
  const keys = Object.keys(value);
  const changed = fc
    .constantFrom(...(keys.length > 0 ? keys : ["x"]))
    .chain((key) =>
      mutated((value as Record<string, unknown>)[key]).map((inner) =>
        Array.isArray(value) ? value.map((one, at) => (String(at) === key ? inner : one)) : { ...value, [key]: inner },
      ),
    );
  const removed = fc
    .constantFrom(...keys, "x")
    .map((gone) => Object.fromEntries(Object.entries(value).filter(([key]) => key !== gone)));
  const added = fc.tuple(fc.string(), fc.jsonValue()).map(([key, more]) => ({ ...value, [key]: more }));
  return fc.oneof({ arbitrary: changed, weight: 4 }, removed, added, fc.constant(value));
}

const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom(
    "../../etc/passwd",
    "%2e%2e%2f",
    "<script>alert(1)</script>",
    "job_0' or 1=1 --",
    "__proto__",
    "\u202egnp.exe",
    "a\r\nSet-Cookie: x=1",
    "-1",
    "1e309",
    "9".repeat(40),
    "null",
    "💥".repeat(20),
  ),
);

/** An empty part, or one that URLs drop, makes the path another one. */
const isPart = (text: string): boolean => !/^\.{0,2}$/.test(text);

function requestsFor(operation: Operation, values: Record<string, string>, ids: string[]): fc.Arbitrary<Asked> {
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const own = (name: string) => fc.constantFrom(...(name === "id" ? ids : [values[name] ?? "none"]));
  const parts = fc.record(
    Object.fromEntries(
      names.map((name) => [name, fc.oneof({ arbitrary: own(name), weight: 3 }, hostile.filter(isPart))]),
    ),
  );
  const queries = (operation.parameters ?? []).filter((one) => one.in === "query").map(({ name }) => name);
  const query = fc.array(
    fc.tuple(
      fc.oneof({ arbitrary: fc.constantFrom("limit", ...queries), weight: 6 }, fc.string({ maxLength: 8 })),
      fc.oneof(fc.constantFrom("0", "1", "200", "succeeded", "slim", "verified", ...ids), hostile),
    ),
    { maxLength: 4 },
  );
  const header = fc.oneof(
    fc.constant({}),
    fc.record({ range: fc.constantFrom("bytes=0-", "bytes=5-2", "bytes=-3", "bytes=99999999-", "x", "bytes=0-1,3-4") }),
    fc.record({ "if-none-match": fc.constantFrom("*", '"a"', "W/*") }),
    fc.record({ "last-event-id": fc.constantFrom("1", "x", "99999999999999999999") }),
    fc.record({ "idempotency-key": fc.constantFrom("abcdefgh", "abcdefgi", "short") }),
  );
  const text = hasJson(operation)
    ? fc.oneof(
        { arbitrary: mutated(exampleOf(operation)).map((value) => JSON.stringify(value)), weight: 8 },
        fc.json(),
        fc.string(),
      )
    : fc.constantFrom(undefined, undefined, "x", "{}");
  return fc
    .record({ parts, query, header, text })
    .map(({ parts: filled, query: asked, header: headers, text: body }) => ({
      path: fillPath(operation.path, filled),
      query: asked.length > 0 ? `?${new URLSearchParams(asked)}` : undefined,
      headers: { ...headers, ...(body !== undefined && json) },
      body: operation.method === "GET" ? undefined : body,
    }));
}

it.each(operations.map((one) => [one.name, one] as const))(
  "%s answers whatever is asked as the document says, and never with 5xx",
  async (_name, operation) => {
    const { ask, faults, values, done, job } = await world();
    const failed: string[] = [];
    await fc.assert(
      fc.asyncProperty(requestsFor(operation, values, [done.job.jobId, job.jobId, "job_none"]), async (asked) => {
        const before = faults.length;
        const status = await ask(operation, asked);
        if (status >= 500) failed.push(`${operation.name} ${status}: ${JSON.stringify(asked)}`);
        expect([...faults.slice(before), ...failed]).toEqual([]);
      }),
      { numRuns: 200 },
    );
  },
);

/** Documented, but not given here, and why. What attempts are answered is all in api/routes/attempts/attempts.test.ts. */
const elsewhere: Record<string, string> = {
  "GET /api/v1/jobs/{id}/report 408": "needs a store that hangs",
  "GET /api/v1/jobs/{id}/artifacts/{name} 408": "needs a store that hangs",
  "GET /api/v1/jobs/{id}/log 408": "needs a store that hangs",
  "GET /api/v1/compare 408": "needs a store that hangs",
  "POST /api/v1/runner/session 404": "the runner is removed between two statements",
  "POST /api/v1/runner/heartbeat 404": "the runner is removed between two statements",
};

it("gives every status that the document describes", async () => {
  const seen = new Set<string>();
  const faults: string[] = [];
  const within = async (
    change: Parameters<typeof world>[0],
    work: (at: Awaited<ReturnType<typeof world>>) => Promise<void>,
  ) => {
    const at = await world(change);
    await work(at);
    for (const one of at.seen) seen.add(one);
    faults.push(...at.faults);
  };
  for (const operation of operations) {
    await within({}, async (at) => {
      const { ask } = at;
      await refusedRequests(ask, operation, at.tokenOf(operation.needs?.scope === "runner" ? "admin" : "hook"));
      const body = hasJson(operation) ? JSON.stringify(exampleOf(operation)) : undefined;
      await ask(operation, { body, headers: body === undefined ? {} : json });
    });
  }
  await within({}, async ({ ask, deps }) => {
    deps.settings.requestMs = 20;
    for (const operation of operations) await neverEndingBody(ask, operation);
  });
  await within({ settings: { badTokensPerMinute: 1 } }, async ({ ask }) => {
    for (const operation of operations) for (let n = 0; n < 2; n++) await ask(operation, { token: "wapi_wrong" });
  });
  await within({}, everyResult);
  await failingDatabase(seen, faults);
  expect(faults).toEqual([]);
  const documented = operations
    .filter((one) => one.needs?.scheme !== "attempt")
    .flatMap(({ name, responses }) => Object.keys(responses).map((status) => `${name} ${status}`));
  expect(documented.filter((one) => !seen.has(one) && !(one in elsewhere))).toEqual([]);
  expect(Object.keys(elsewhere).filter((one) => seen.has(one) || !documented.includes(one))).toEqual([]);
});

type Ask = Awaited<ReturnType<typeof world>>["ask"];

async function refusedRequests(ask: Ask, operation: Operation, other: string): Promise<void> {
  await ask(operation, { token: undefined });
  await ask(operation, { token: other });
  await ask(operation, { token: "wapi_wrong" });
  for (const range of ["bytes=0-1", "bytes=99999999-"])
    if (operation.method === "GET") await ask(operation, { headers: { range } });
  if (operation.method === "GET") await ask(operation, { headers: { "if-none-match": "*" } });
  await ask(operation, { headers: { "winnow-protocol": "0" } });
  await ask(operation, { query: "?nonsense=1" });
  await ask(operation, { path: operation.path.replaceAll(/\{\w+\}/g, "%00") });
  await ask(operation, {
    path: fillPath(operation.path, { id: "job_none", jobId: "job_none", attempt: "1", name: "none" }),
  });
  await ask(operation, { path: operation.path.replaceAll(/\{\w+\}/g, "x".repeat(1500)) });
  if (operation.method !== "GET" && operation.method !== "PUT")
    await ask(operation, { body: `"${"x".repeat(1 << 20)}"`, headers: json });
  if (!hasJson(operation)) return;
  await ask(operation, { body: "{", headers: json });
  await ask(operation, { body: "[]", headers: json });
  await ask(operation, { body: "<x/>", headers: { "content-type": "text/xml" } });
}

async function neverEndingBody(ask: Ask, operation: Operation): Promise<void> {
  if (operation.method === "GET" || operation.method === "PUT") return; // an upload may take its time
  await ask(operation, { body: new ReadableStream({ pull: () => new Promise(() => {}) }), headers: json });
}

/** What succeeds, or fails for its own reasons. */
async function everyResult(at: Awaited<ReturnType<typeof world>>): Promise<void> {
  const { ask, done, job, post } = at;
  const submit = find("POST /api/v1/jobs");
  const again = { body: JSON.stringify(exampleOf(submit)), headers: json };
  for (let n = 0; n < 2; n++) await ask(submit, again);
  const waiting = at.submit("web:waiting");
  const claim = find("POST /api/v1/runner/claim");
  await ask(find("POST /api/v1/jobs/{id}/finish-observation"), {
    path: `/api/v1/jobs/${job.jobId}/finish-observation`,
  });
  await ask(find("DELETE /api/v1/runners/{id}"));
  await ask(claim, { body: JSON.stringify({ claimId: randomUUID(), slots: 1 }), headers: json });
  const retry = (id: string) => ask(find("POST /api/v1/jobs/{id}/retry"), { path: `/api/v1/jobs/${id}/retry` });
  await post("release", { reason: "unfit" });
  at.db
    .update(jobs)
    .set({ runAfterAt: at.clock.now + 1000, state: "queued" })
    .where(eq(jobs.id, waiting))
    .run();
  await retry(waiting);
  const canceled = at.submit("web:canceled");
  await ask(find("POST /api/v1/jobs/{id}/cancel"), { path: `/api/v1/jobs/${canceled}/cancel` });
  await retry(canceled);
  await ask(find("GET /api/v1/compare"), { query: `?from=${done.job.jobId}&to=job_none` });
  const admin = at.db.select().from(tokens).where(eq(tokens.scope, "admin")).get();
  const revoke = find("DELETE /api/v1/tokens/{id}");
  for (const id of [admin?.id, "tok_none"]) await ask(revoke, { path: `/api/v1/tokens/${id}` });
  const { runnerId } = await at.register("host-idle");
  await ask(find("DELETE /api/v1/runners/{id}"), { path: `/api/v1/runners/${runnerId}` });
  at.deps.lifecycle.isDraining = true;
  await ask(find("GET /readyz"));
}

function find(name: string): Operation {
  const found = operations.find((one) => one.name === name);
  if (!found) throw new Error(`the document has no ${name}`);
  return found;
}

async function failingDatabase(seen: Set<string>, faults: string[]): Promise<void> {
  for (const fault of [busyError(), fullError(), new Error("the disk melted")]) {
    const plain = appUnderTest();
    const breakable = breakableDb(plain.db);
    const at = await world({ db: breakable.db });
    breakable.breakWith(fault);
    for (const operation of operations) await at.ask(operation);
    for (const one of at.seen) seen.add(one);
    faults.push(...at.faults);
  }
}

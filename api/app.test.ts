import { beforeEach, describe, expect, it } from "vitest";
import { ImageList, ImageView } from "#contract/service/image-view.ts";
import { Problem } from "#contract/service/problem.ts";
import { RunnerList, RunnerView } from "#contract/service/runner-view.ts";
import { IssuedToken, TokenList } from "#contract/service/token.ts";
import { appUnderTest, bodyOf } from "./app-under-test.ts";
import { idempotency, tokens } from "./db/schema.ts";
import { breakableDb } from "./openapi/broken.builder.ts";
import { protocolUnderTest, reportOf, succeeded } from "./routes/runner/protocol.builder.ts";

let at: ReturnType<typeof protocolUnderTest>;
beforeEach(() => {
  at = protocolUnderTest();
});

const get = (path: string) => at.call(`GET ${path}`, { token: at.tokenOf("read") });
const asAdmin = (line: string, body?: unknown, headers?: Record<string, string>) =>
  at.call(line, { token: at.tokenOf("admin"), body, headers });
const codeOf = async (answer: Response) => (await bodyOf(answer, Problem)).code;

async function aFinishedJob(files: string) {
  const { job, post, store } = await at.attempt();
  await store("report.json", reportOf(job.jobId));
  await store("files.jsonl", files);
  expect((await post("finish", succeeded())).status).toBe(200);
  return job.jobId;
}

describe("the app", () => {
  it("gives every answer the same headers, whatever it is", async () => {
    const lines = ["GET /version", "GET /nowhere", "POST /version", "GET /jobs", "GET //livez", "GET //openapi.json"];
    for (const line of lines) {
      const headers = Object.fromEntries(
        (await at.call(line, { headers: { "x-request-id": "request-4711" } })).headers,
      );
      expect(headers, line).toMatchObject({
        "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "x-request-id": "request-4711",
      });
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
    }
  });

  it("shows its own description without anything inline or from elsewhere", async () => {
    const page = await at.call("GET //docs");
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self'; style-src 'self';");
    const html = await page.text();
    for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect(path).toMatch(/^\/(docs\/|openapi\.json)/);
      expect((await at.call(`GET /${path}`)).status, path).toBe(200);
    }
    expect(html).not.toMatch(/<script>| style=| on\w+=/);
  });

  it("answers an unknown path, a wrong method and a hostile path with problem documents", async () => {
    expect(await codeOf(await at.call("GET /nowhere"))).toBe("route.not-found");
    const wrong = await at.call("PUT /jobs");
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, POST"]);
    for (const path of [
      "//api/v1/../../etc/passwd",
      "//%2e%2e/x",
      "//api//v1/jobs",
      "//<script>",
      "//problems/__proto__",
    ])
      expect((await at.call(`GET ${path}`)).headers.get("content-type"), path).toBe("application/problem+json");
  });

  it("explains each problem that it answers with on a page of its own", async () => {
    const { type } = await bodyOf(await at.call("GET /nowhere"), Problem);
    const page = await at.call(`GET /${type}`);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("There is nothing at this path.");
  });

  it("says nothing of what it did not foresee, and writes all of it into the log", async () => {
    const plain = appUnderTest();
    const { db, breakWith } = breakableDb(plain.db);
    const broken = appUnderTest({ db });
    const token = broken.tokenOf("read");
    breakWith(new Error("secret detail at /var/lib/winnow"));
    const answer = await broken.call("GET /jobs", { token });
    expect(answer.status).toBe(500);
    const text = await answer.text();
    expect(text).not.toContain("secret detail");
    const { requestId } = Problem.parse(JSON.parse(text));
    expect(broken.logged.map((line) => [line.requestId, JSON.stringify(line.err)])).toEqual([
      [requestId, expect.stringContaining("secret detail")],
    ]);
  });
});

describe("limits", () => {
  it("refuse an address after so many wrong tokens, for a time, but not those who have good ones", async () => {
    const bad = () => at.call("GET /jobs", { token: "wapi_wrong" });
    const statuses: number[] = [];
    for (let n = 0; n < 11; n++) statuses.push((await bad()).status);
    expect(statuses).toEqual([...Array(10).fill(401), 429]);
    expect((await bad()).headers.get("retry-after")).toBe("6");
    expect((await get("/jobs")).status).toBe(200);
    at.clock.now += 6000;
    expect((await bad()).status).toBe(401);
  });

  it("hold for each token alone", async () => {
    const few = appUnderTest({ settings: { requestBurst: 2, requestsPerSecond: 1 } });
    const ask = (scope: "read" | "admin") => few.call("GET /jobs", { token: few.tokenOf(scope) });
    expect([(await ask("read")).status, (await ask("read")).status, (await ask("read")).status]).toEqual([
      200, 200, 429,
    ]);
    expect((await ask("admin")).status).toBe(200);
    few.clock.now += 1000;
    expect((await ask("read")).status).toBe(200);
  });
});

describe("tokens", () => {
  it("are shown once and stored nowhere, not even for an Idempotency-Key", async () => {
    const issue = () => asAdmin("POST /tokens", { name: "ci", scope: "submit" }, { "idempotency-key": "first-token" });
    const [first, again] = [await bodyOf(await issue(), IssuedToken), await bodyOf(await issue(), IssuedToken)];
    expect(again).toEqual(first);
    const stored = JSON.stringify([at.db.select().from(tokens).all(), at.db.select().from(idempotency).all()]);
    expect(stored).not.toContain(first.token);
    expect(await (await asAdmin("GET /tokens")).text()).not.toContain(first.token);
    expect((await at.call("GET /jobs", { token: first.token })).status).toBe(200);
  });

  it("show when they were last used, to the minute", async () => {
    await get("/jobs");
    at.clock.now += 59_000;
    await get("/jobs");
    const { tokens: listed } = await bodyOf(await asAdmin("GET /tokens"), TokenList);
    const used = listed.find(({ scope }) => scope === "read")?.lastUsedAt ?? 0;
    expect(used % 60_000).toBe(0);
    expect(at.clock.now - used).toBeLessThan(120_000);
  });

  it("are void at once when they are revoked; the last admin's cannot be", async () => {
    const other = await bodyOf(await asAdmin("POST /tokens", { name: "b", scope: "admin" }), IssuedToken);
    expect((await asAdmin(`DELETE /tokens/${other.id}`)).status).toBe(204);
    expect((await at.call("GET /tokens", { token: other.token })).status).toBe(401);
    const { tokens: listed } = await bodyOf(await asAdmin("GET /tokens"), TokenList);
    const last = listed.find((one) => one.scope === "admin" && one.revokedAt === null);
    const refused = await asAdmin(`DELETE /tokens/${last?.id}`);
    expect([refused.status, await codeOf(refused)]).toEqual([409, "token.last"]);
  });
});

describe("runners", () => {
  it("are online, stale, then offline, by when they were heard of", async () => {
    await at.register("host-1");
    const stateNow = async () => (await bodyOf(await get("/runners"), RunnerList)).runners[0]?.state;
    expect(await stateNow()).toBe("online");
    at.clock.now += 61_000;
    expect(await stateNow()).toBe("stale");
    at.clock.now += 300_000;
    expect(await stateNow()).toBe("offline");
  });

  it("are asked to drain, and hear of it by their next heartbeat", async () => {
    const { runnerId, token } = await at.register();
    expect(await bodyOf(await asAdmin(`POST /runners/${runnerId}/drain`), RunnerView)).toMatchObject({
      state: "draining",
    });
    const beat = await at.send("POST /runner/heartbeat", { token, body: { attempts: [] } });
    expect(await beat.json()).toMatchObject({ runner: "drain" });
  });

  it("with jobs are removed only by force; their jobs are queued again, and their tokens void", async () => {
    const { job, runner } = await at.attempt();
    const refused = await asAdmin(`DELETE /runners/${runner.runnerId}`);
    expect([refused.status, await codeOf(refused)]).toEqual([409, "runner.busy"]);
    expect((await asAdmin(`DELETE /runners/${runner.runnerId}?force=1`)).status).toBe(204);
    expect(await (await get(`/jobs/${job.jobId}`)).json()).toMatchObject({ state: "queued", attempts: 1 });
    const beat = await at.send("POST /runner/heartbeat", { token: runner.token, body: { attempts: [] } });
    expect(beat.status).toBe(401);
  });
});

describe("images", () => {
  it("are listed by repository, and found with and without their slashes encoded, and as people write them", async () => {
    const id = await aFinishedJob("");
    at.submit("registry.example/team/app:1");
    const { images } = await bodyOf(await get("/images"), ImageList);
    expect(images.map(({ repository }) => repository)).toEqual(["registry.example/team/app", "docker.io/library/web"]);
    for (const name of ["docker.io/library/web", "docker.io%2Flibrary%2Fweb", "web"]) {
      const image = await bodyOf(await get(`/images/${name}`), ImageView);
      expect(
        image.trend.map(({ jobId }) => jobId),
        name,
      ).toEqual([id]);
      expect(image.recent.map((job) => job.id)).toEqual([id]);
    }
    expect(await codeOf(await get("/images/nobody/knows"))).toBe("image.unknown");
  });

  it("are compared by what their slim images hold", async () => {
    const line = (path: string, size: number, kept: boolean) =>
      `${JSON.stringify({ path, type: "file", size, kept })}\n`;
    const from = await aFinishedJob(line("/a", 1, true) + line("/b", 2, true) + line("/c", 3, false));
    const to = await aFinishedJob(`${line("/a", 1, true) + line("/c", 3, true)}not a line\n${line("/d", 9, true)}`);
    const answer = await get(`/compare?from=${from}&to=${to}`);
    expect(await answer.json()).toMatchObject({
      added: [
        { path: "/d", bytes: 9 },
        { path: "/c", bytes: 3 },
      ],
      removed: [{ path: "/b", bytes: 2 }],
      isCut: false,
      figures: { entries: { from: 2, to: 3, change: 0.5 }, fatBytes: { change: 0 } },
    });
  });
});

describe("health", () => {
  it("is ready until the process drains or the store fails", async () => {
    expect((await at.call("GET //readyz")).status).toBe(200);
    at.deps.lifecycle.isDraining = true;
    expect(await (await at.call("GET //readyz")).json()).toMatchObject({
      isOk: false,
      checks: { process: { isOk: false } },
    });
    expect((await at.call("GET //livez")).status).toBe(200);
    const store = { ...at.deps.store, stat: () => Promise.reject(new Error("bucket at 10.0.0.1 is gone")) };
    const answer = await appUnderTest({ store }).call("GET //readyz");
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain("10.0.0.1");
  });

  it("has figures of jobs, with no label that an image or a submitter chose", async () => {
    await aFinishedJob("");
    at.submit('hostile.example/x"} 1\nwinnow_jobs_total 9:1');
    const text = await (await at.call("GET //metrics", { token: at.tokenOf("read") })).text();
    expect(text).toContain('winnow_jobs_total{result="succeeded",reason=""} 1');
    expect(text).toContain('winnow_queue_depth{pool="",arch=""} 1');
    expect(text).toContain('winnow_runners{state="online"} 1');
    expect(text).toMatch(/winnow_bytes_saved_total [1-9]/);
    expect(text).toContain(
      'winnow_http_request_seconds_count{method="POST",route="/api/v1/runner/claim",status="200"} 1',
    );
    expect(text).not.toContain("hostile");
    const names = [
      "claim_wait_seconds",
      "stage_seconds",
      "leases_lost_total",
      "queue_oldest_seconds",
      "db_busy_total",
      "wal_bytes",
    ];
    for (const name of names) expect(text).toContain(`# TYPE winnow_${name}`);
  });
});

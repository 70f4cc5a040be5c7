import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { Timings } from "#contract/service/timings.ts";
import { aRequest } from "./db/builders.ts";
import { issueToken } from "./db/issue-token.ts";
import { submitJob } from "./db/submit-job.ts";
import { type ServiceOptions, startService } from "./start-service.ts";

/** A service on a free port; `lines` is what it has logged. */
async function aService(change: Partial<ServiceOptions> = {}) {
  const home = mkdtempSync(join(tmpdir(), "winnow-start-"));
  const lines: string[] = [];
  const service = await startService({
    statePath: join(home, "state"),
    listen: { host: "127.0.0.1", port: 0 },
    s3: undefined,
    timings: Timings.parse({}),
    retention: { days: 30, jobsOfRepository: null },
    version: "0.0.0",
    log: pino({}, { write: (line: string) => void lines.push(line) }),
    now: Date.now,
    ...change,
  });
  onTestFinished(async () => {
    await service.stop(0).catch(() => {}); // a test may have done so
    rmSync(home, { recursive: true });
  });
  return { service, lines, home };
}

describe("a service", () => {
  it("is ready until it drains; then nobody may begin to watch, and all else goes on", async () => {
    const { service } = await aService();
    const { token } = issueToken(service.db, { name: "t", scope: "read", now: Date.now() });
    const { id } = submitJob(service.db, { request: aRequest(), now: Date.now() });
    const ask = (path: string) => fetch(`${service.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    const statuses = async () =>
      await Promise.all(["/readyz", "/livez", `/api/v1/jobs/${id}`].map(async (path) => (await ask(path)).status));
    expect(await statuses()).toEqual([200, 200, 200]);
    const watched = (await ask(`/api/v1/jobs/${id}/events`)).text();
    service.drain();
    expect(await statuses()).toEqual([503, 200, 200]);
    expect(await watched).toContain("event: state"); // it has ended
    expect((await ask(`/api/v1/jobs/${id}/events`)).status).toBe(503);
  });

  it("takes jobs while its store is down, and says so", async () => {
    const s3 = {
      ...{ endpoint: "http://127.0.0.1:1", region: "us-east-1", bucket: "winnow", prefix: "" },
      ...{ accessKeyId: "a", secretAccessKey: "b", forcePathStyle: true, checksum: "when_required" as const },
    };
    const { service, lines } = await aService({ s3 });
    expect(lines.join("")).toContain("the store is not ready");
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
  });

  it("serves the files of the web view beside the API, where there are any", async () => {
    const files = mkdtempSync(join(tmpdir(), "winnow-web-"));
    mkdirSync(join(files, "assets"));
    writeFileSync(join(files, "index.html"), "<!doctype html>runs");
    writeFileSync(join(files, "assets", "app.js"), "export {};");
    onTestFinished(() => rmSync(files, { recursive: true }));
    const { service } = await aService({ webPath: files });
    expect(await (await fetch(service.url)).text()).toContain("runs");
    const script = await fetch(`${service.url}/assets/app.js`);
    expect(script.headers.get("content-type")).toContain("javascript");
    expect((await fetch(`${service.url}/api/v1/jobs`)).status).toBe(401);
    expect((await fetch(`${service.url}/../winnow.db`)).status).toBe(404);
    expect((await fetch(`${service.url}/none`)).status).toBe(404);
  });
});

import { EventEmitter } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { aReport } from "#api/db/builders.ts";
import { claimJob } from "#api/db/claim-job.ts";
import { finishAttempt, type Outcome } from "#api/db/finish-attempt.ts";
import { issueToken } from "#api/db/issue-token.ts";
import { readJob } from "#api/db/read-job.ts";
import { registerRunner } from "#api/db/register-runner.ts";
import { type Service, startService } from "#api/start-service.ts";
import { directoryStore } from "#api/store/directory.ts";
import { artifactKey } from "#api/store/key.ts";
import type { Report } from "#contract/report.ts";
import { Timings } from "#contract/service/timings.ts";
import type { KeepSet } from "#runner/keep-set.ts";
import { loadConfig } from "./config.ts";
import { runCli } from "./program.ts";
import { artifactsOf } from "./why/why.builder.ts";
import type { World } from "./world.ts";

const root = mkdtempSync(join(tmpdir(), "winnow-server-cli-"));
const statePath = join(root, "state");
let service: Service;
let token: string;

beforeAll(async () => {
  service = await startService({
    statePath,
    listen: { host: "127.0.0.1", port: 0 },
    s3: undefined,
    timings: Timings.parse({}),
    retention: { days: null, jobsOfRepository: null },
    version: "0.0.0",
    log: pino({ level: "silent" }),
    now: Date.now,
  });
  token = issueToken(service.db, { name: "test", scope: "admin", now: Date.now() }).token;
});
afterAll(async () => {
  await service.stop(1000);
  rmSync(root, { recursive: true });
});

type Run = { code: number; out: string; err: string };

/** Runs the command line as a process of its own would, with the server in its environment. */
async function winnow(args: string[], env: Record<string, string> = {}): Promise<Run> {
  let [out, err] = ["", ""];
  const refuse = async () => {
    throw new Error("no engine is needed here");
  };
  const world: World = {
    config: loadConfig({ HOME: join(root, "home"), WINNOW_SERVER: service.url, WINNOW_TOKEN: token, ...env }),
    stdin: new PassThrough(),
    stdout: {
      write: (text) => {
        out += text;
      },
    },
    stderr: {
      write: (text) => {
        err += text;
      },
    },
    signals: new EventEmitter(),
    exit: () => {},
    backend: { connectEngine: refuse, sweep: refuse, slim: refuse, info: refuse },
    now: Date.now,
  };
  const code = await runCli(args, world);
  return { code, out, err };
}

/** Queues a job with the command line; each time another one, as equal work is answered by an earlier job. */
async function submitted(...more: string[]): Promise<string> {
  const { out, code } = await winnow(["submit", `web:${Math.random().toString(36).slice(2)}`, "--json", ...more]);
  expect(code).toBe(0);
  return JSON.parse(out).job.id;
}

const artifactLines = [
  {
    path: "/bin/app",
    type: "file",
    size: 2048,
    owner: null,
    kept: true,
    reasons: [{ path: "/bin/app", kind: "observed", by: "default" }],
  },
  { path: "/usr/doc", type: "file", size: 10, owner: null, kept: false, reasons: [] },
];

/** Does what a runner does in the end: stores, and finishes the attempt. */
async function finished(id: string, outcome: Outcome, report: Report | null = null, more = {}): Promise<void> {
  const lease = claimJob(service.db, { runner: "r", now: Date.now(), leaseMs: 60_000, jobId: id });
  if (!lease) throw new Error("the job was not handed out");
  const store = directoryStore(join(statePath, "store"));
  const contents = {
    ...(report && { "report.json": JSON.stringify(report) }),
    "job.log": `${JSON.stringify({ level: 30, stage: "observe", msg: "begun \u001b[2J" })}\nno line of ours\n`,
    "files.jsonl": artifactLines.map((line) => `${JSON.stringify(line)}\n`).join(""),
    ...more,
  };
  const artifacts = [];
  for (const [name, content] of Object.entries(contents)) {
    const key = artifactKey(id, lease.attempt, name);
    artifacts.push({ name, key, ...(await store.put(key, content)) });
  }
  finishAttempt(service.db, lease, { now: Date.now(), outcome, report, artifacts });
}

const failed = (code: "app.exited" | "verify.failed" | "result.not-smaller" | "docker.unavailable"): Outcome => ({
  state: "failed",
  error: { code, message: "It broke.", hint: "Mend it." },
});

describe("winnow submit", () => {
  it("queues what the flags say, as `winnow slim` would do it", async () => {
    const flags = ["--http-probe-cmd", "POST:/items", "--env", "A=1", "--tag", "web:small", "--keep", "exact"];
    const id = await submitted(
      ...flags,
      "--needs",
      "zone=a,disk=ssd",
      "--priority",
      "7",
      "--max-attempts",
      "2",
      "--force",
    );
    expect(readJob(service.db, id)).toMatchObject({
      ...{ kind: "slim", state: "queued", priority: 7, maxAttempts: 2, force: true, needs: { zone: "a", disk: "ssd" } },
      request: {
        tags: ["web:small"],
        keep: { profile: "exact" },
        scenarios: [{ env: ["A=1"], probes: [{ kind: "http", method: "POST", resource: "/items" }] }],
      },
    });
  });

  it("queues a job file", async () => {
    const file = join(root, "job.yaml");
    writeFileSync(file, "image: shop:1.4\nscenarios:\n  - cmd: serve\n");
    const { out, code } = await winnow(["submit", "-f", file, "--priority", "1", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out).job).toMatchObject({
      image: "shop:1.4",
      priority: 1,
      request: { scenarios: [{ cmd: ["serve"] }] },
    });
  });

  it("queues a command that stands after two dashes", async () => {
    const { out } = await winnow(["submit", "tool", "--json", "--", "tool", "--check"]);
    expect(JSON.parse(out).job.request.scenarios).toMatchObject([{ cmd: ["tool", "--check"], expectExit: 0 }]);
  });

  it("gives the same job for the same key", async () => {
    const again = () => winnow(["submit", "web:key", "--idempotency-key", "k-1", "--force"]);
    expect((await again()).out).toBe((await again()).out);
  });

  it("refuses what `winnow slim` refuses, before anything is sent", async () => {
    const { code, err } = await winnow(["submit", "web:1", "--http-probe-cmd", "items", "--priority", "high"], {
      WINNOW_SERVER: "http://127.0.0.1:1",
    });
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("items") });
  });

  it("shows what the server refuses, with all its faults", async () => {
    const { code, err } = await winnow(["submit", "web:1", "--priority", "1000", "--max-attempts", "99"]);
    expect(code).toBe(2);
    expect(err).toContain("/priority");
    expect(err).toContain("/maxAttempts");
  });

  it("waits when it is asked to, and ends as `winnow slim` would", async () => {
    const waiting = winnow(["submit", "web:wait", "--wait"]);
    const id = await vi.waitUntil(
      async () =>
        JSON.parse((await winnow(["jobs", "--server", "--json"])).out).jobs.find(
          (job: { image: string }) => job.image === "web:wait",
        )?.id,
      { timeout: 20_000 },
    );
    await finished(id, failed("verify.failed"), aReport({ verdict: "failed", verdictReason: "GET / differs" }));
    const { code, out, err } = await waiting;
    expect(code).toBe(4);
    expect(out).toMatch(/verdict +failed: GET \/ differs/);
    expect(err).toContain("error: It broke.");
  });
});

describe("winnow wait", () => {
  it.each<[string, Outcome, Report | null, number]>([
    ["a verified job", { state: "succeeded" }, aReport(), 0],
    ["one that nothing exercised", { state: "succeeded" }, aReport({ verdict: "not-exercised" }), 4],
    ["one that failed", failed("app.exited"), null, 1],
    ["one whose image did not get smaller", failed("result.not-smaller"), null, 3],
  ])("ends for %s with its exit code", async (_what, outcome, report, wanted) => {
    const id = await submitted("--max-attempts", "1");
    await finished(id, outcome, report);
    expect((await winnow(["wait", id])).code).toBe(wanted);
  });

  it("ends with 130 for a job that was canceled, and tells how long it waited for in vain with 124", async () => {
    const id = await submitted();
    const late = await winnow(["wait", id, "--timeout", "0.2"]);
    expect(late).toMatchObject({ code: 124, err: expect.stringMatching(/queued: .*\n.*winnow cancel/s) });
    expect(await winnow(["cancel", id])).toMatchObject({ code: 0, out: `${id} canceled\n` });
    expect((await winnow(["wait", id])).code).toBe(130);
  });
});

describe("winnow report, why, jobs and logs of a server", () => {
  it("tell why an entry was kept, and name what is near one that is not there", async () => {
    const id = await submitted();
    const kept: KeepSet = new Map([["/bin/app", { kind: "observed", by: "default", detail: "exec" }]]);
    const artifacts = artifactsOf({ "/bin/app": "x", "/usr/doc": "y" }, kept);
    await finished(id, { state: "succeeded" }, aReport(), artifacts);
    const { code, out } = await winnow(["why", id, "/bin/app", "--server"]);
    expect([code, out.split("\n")[0]]).toEqual([0, "/bin/app ← executed by scenario default"]);
    expect((await winnow(["why", id, "/usr/doc", "--server"])).out).toContain("/usr/doc was not kept");
    const absent = await winnow(["why", id, "/bin/ap", "--server"]);
    expect([absent.code, absent.err]).toEqual([2, expect.stringContaining("Near it: /bin/app")]);
  });

  it("show what is stored there", async () => {
    const id = await submitted();
    await finished(id, { state: "succeeded" }, aReport());
    const end = id.slice(-6);
    const report = await winnow(["report", end, "--server"]);
    expect(report.out).toMatch(/size +100 MiB → 10\.0 MiB \(10\.0 times smaller, verified\)/);
    expect(report.out).toContain(`artifacts  ${service.url}/api/v1/jobs/${id}/artifacts`);
    expect(JSON.parse((await winnow(["report", id, "--server", "--json"])).out)).toMatchObject({ verdict: "verified" });
    expect((await winnow(["report", id, "--server", "--files", "removed"])).out).toBe(
      "     10 B  /usr/doc  (no package)\n",
    );
    const jobs = await winnow(["jobs", "--server", "--limit", "500"]);
    expect(jobs.out.split("\n").find((line) => line.includes(id))).toMatch(
      /succeeded +verified +100 MiB → 10\.0 MiB +10\.0x/,
    );
    const log = await winnow(["logs", id]);
    expect(log.out).toBe(`info observe: begun ${String.raw`\x1b[2J`}\nno line of ours\n`);
    expect((await winnow(["logs", id, "--json"])).out).toContain('"stage":"observe"');
  });

  it("follow a log until its job has ended, whatever it waits for first", async () => {
    const id = await submitted();
    const following = winnow(["logs", "-f", id]);
    await finished(id, { state: "succeeded" }, aReport());
    expect((await following).out).toContain("no line of ours");
  });

  it("know no job that is not there", async () => {
    expect(await winnow(["report", "job_zzzzzzzzzzzzzzzz", "--server"])).toMatchObject({ code: 2 });
    expect(await winnow(["wait", "nosuch"])).toMatchObject({ code: 2, err: expect.stringContaining("no job") });
  });
});

describe("winnow retry and finish", () => {
  it("submit a failed job anew, and refuse to finish what is not at work", async () => {
    const id = await submitted("--max-attempts", "1");
    await finished(id, failed("app.exited"));
    const { out, code } = await winnow(["retry", id]);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^job_\w+ queued\n$/) });
    expect(out).not.toContain(id);
    expect(await winnow(["finish", id])).toMatchObject({ code: 1, err: expect.stringContaining("hint:") });
  });

  it("reach a job that waits for a signal", async () => {
    const id = await submitted("--continue-after", "signal");
    claimJob(service.db, { runner: "r", now: Date.now(), leaseMs: 60_000, jobId: id });
    expect(await winnow(["finish", id])).toMatchObject({ code: 0, out: `${id} running\n` });
    expect(readJob(service.db, id).finishAskedAt).toBeTypeOf("number");
  });
});

describe("winnow tokens", () => {
  it("makes, lists and revokes them on a server", async () => {
    const { out, err } = await winnow(["tokens", "add", "ci", "--scope", "read", "--days", "7"]);
    const [id] = err.split(",");
    expect((await winnow(["jobs", "--server"], { WINNOW_TOKEN: out.trim() })).code).toBe(0);
    expect(await winnow(["submit", "web:1"], { WINNOW_TOKEN: out.trim() })).toMatchObject({
      code: 2,
      err: expect.stringContaining("scope read"),
    });
    expect((await winnow(["tokens", "list"])).out).toMatch(new RegExp(`${id} .*ci +read +6 d +good`));
    expect((await winnow(["tokens", "revoke", id ?? ""])).code).toBe(0);
    expect(await winnow(["jobs", "--server"], { WINNOW_TOKEN: out.trim() })).toMatchObject({ code: 2 });
  });

  it("makes one in the state directory for whoever has none", async () => {
    const local = { WINNOW_SERVER: "", WINNOW_TOKEN: "", WINNOW_STATE_PATH: statePath };
    const { out, code } = await winnow(["token", "add", "--scope", "admin"], local);
    expect(code).toBe(0);
    const file = join(root, "token");
    writeFileSync(file, out);
    const given = { WINNOW_TOKEN: "", WINNOW_TOKEN_FILE: file };
    expect((await winnow(["tokens", "list"], given)).code).toBe(0);
    expect(await winnow(["tokens", "list"], { ...local, WINNOW_STATE_PATH: join(root, "none") })).toMatchObject({
      code: 2,
      err: expect.stringContaining("no server's state"),
    });
  });
});

describe("winnow runners", () => {
  it("lists, drains and removes them by name", async () => {
    const facts = {
      bootId: crypto.randomUUID(),
      version: "0.1.0",
      labels: { zone: "a" },
      slots: 2,
      engine: { version: "27.0", storage: "overlay2", kernel: "6.1", architectures: ["amd64"] },
    };
    const registration = { ...facts, name: "host-1", systemId: crypto.randomUUID() };
    registerRunner(service.db, { registration, tokenHash: "0".repeat(64), now: Date.now() });
    expect((await winnow(["runners", "list"])).out).toMatch(/host-1 +online +0\/2 +zone=a +27\.0 amd64/);
    expect((await winnow(["runners", "drain", "host-1"])).out).toMatch(/ draining\n$/);
    expect((await winnow(["runners", "remove", "host-1"])).code).toBe(0);
    expect(await winnow(["runners", "remove", "host-1"])).toMatchObject({ code: 2 });
  });
});

describe("winnow backup and restore", () => {
  it("copy the database of a server that runs, and do not replace it under its feet", async () => {
    const file = join(root, "copy.gz");
    const state = { WINNOW_STATE_PATH: statePath };
    expect((await winnow(["backup", file], state)).out).toMatch(/copy\.gz: .* \d+ jobs/);
    expect(readFileSync(file).readUInt16BE()).toBe(0x1f8b);
    expect((await winnow(["restore", "--verify", file], state)).out).toContain("is in order");
    expect((await winnow(["restore", file], state)).code).toBe(1); // the server of this test has it open
    const elsewhere = { WINNOW_STATE_PATH: join(root, "elsewhere") };
    expect((await winnow(["restore", file], elsewhere)).out).toContain("was restored");
    expect((await winnow(["jobs", "--json"], elsewhere)).out).toContain("web:wait");
  });
});

describe("winnow storage check", () => {
  it("tries the store that the environment names, and says what is wrong with it", async () => {
    const { code, out } = await winnow(["storage", "check"], { WINNOW_STATE_PATH: join(root, "elsewhere") });
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/store\nok +put[\s\S]*ok +delete/) });
    const s3 = { WINNOW_S3_ENDPOINT: "http://127.0.0.1:1", WINNOW_S3_BUCKET: "winnow" };
    expect(await winnow(["storage", "check"], s3)).toMatchObject({
      code: 2,
      err: expect.stringContaining("WINNOW_S3_ACCESS_KEY_ID: is missing"),
    });
    const keys = { WINNOW_S3_ACCESS_KEY_ID: "a", WINNOW_S3_SECRET_ACCESS_KEY: "b" };
    expect(await winnow(["storage", "check"], { ...s3, ...keys })).toMatchObject({
      code: 1,
      err: expect.stringContaining("http://127.0.0.1:1"),
    });
  });
});

describe("a server that does not answer", () => {
  it("is told from a fault with 5", async () => {
    const away = await winnow(["jobs", "--server", "http://127.0.0.1:1"]);
    expect(away).toMatchObject({ code: 5, err: expect.stringContaining("http://127.0.0.1:1 cannot be reached") });
  });

  it("is told from one that is no Winnow", async () => {
    const other = createServer((_request, response) => response.writeHead(200).end("<html>")).listen(0, "127.0.0.1");
    await vi.waitUntil(() => other.listening);
    const address = other.address();
    const port = typeof address === "object" ? address?.port : undefined;
    expect(await winnow(["jobs", "--server", `http://127.0.0.1:${port}`])).toMatchObject({ code: 5 });
    other.close();
  });

  it("is no puzzle when nobody said which", async () => {
    const { code, err } = await winnow(["wait", "latest"], { WINNOW_SERVER: "", WINNOW_TOKEN: "" });
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/WINNOW_SERVER/) });
    const bad = await winnow(["wait", "latest", "--server", "ftp://x"], {
      WINNOW_TOKEN: "",
      WINNOW_TOKEN_FILE: "/none",
    });
    expect(bad.err).toMatch(/no address of a server[\s\S]*WINNOW_TOKEN_FILE/);
  });
});

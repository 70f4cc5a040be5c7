import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JobRequest } from "#contract/job.ts";
import { FakeServer } from "./fake-server.ts";
import { aReport, aRunner, type Bench, type Slim, typicalSlim, until, untilAborted } from "./runner.builder.ts";

let server: FakeServer;
const benches: Bench[] = [];
beforeEach(async () => {
  server = await new FakeServer().open();
});
afterEach(async () => {
  for (const bench of benches.splice(0)) {
    bench.cancel();
    await bench.ended;
    expect(bench.leftFiles()).toEqual([]);
    rmSync(bench.statePath, { recursive: true });
  }
  await server.close();
  expect(server.faults).toEqual([]);
});

function run(...how: Parameters<typeof aRunner> extends [FakeServer, ...infer Rest] ? Rest : never): Bench {
  const bench = aRunner(server, ...how);
  benches.push(bench);
  return bench;
}

const finished = (jobId: string) => until(`${jobId} is finished`, () => server.finishes.has(jobId));
const steps = () => server.seen.map(({ step }) => step);
const callsAfter = (step: string) => steps().slice(steps().lastIndexOf(step) + 1);

describe("an attempt", () => {
  it("goes from claim to finish, and everything of it is on the server", async () => {
    const { jobId } = server.addJob();
    const { drain, ended } = run();
    await finished(jobId);
    drain();
    expect(await ended).toEqual({ left: 0, error: null });
    expect(server.finishes.get(jobId)?.outcome).toEqual({ state: "succeeded" });
    expect([...server.artifacts.keys()].map((key) => key.split("/")[1])).toEqual([
      "files.jsonl",
      "fat.log",
      "report.json",
    ]);
    expect(server.progress.get(jobId)).toEqual([
      { kind: "stage", stage: "observe", state: "started" },
      { kind: "stage", stage: "observe", state: "done", durationMs: 5, detail: "1 answer" },
      { kind: "note", text: "a remark" },
    ]);
    const log = String(server.log.get(jobId)).trimEnd().split("\n");
    expect(log.map((line) => JSON.parse(line))).toMatchObject([
      { msg: "job started", jobId, attempt: 1 },
      { stage: "observe" },
      { msg: "job ended", state: "succeeded" },
    ]);
    const order = ["register", "claim", "start", "source", "artifacts", "put", "commit", "finish"];
    expect([...new Set(steps())].filter((step) => order.includes(step))).toEqual(order);
  });

  it("leaves no secret of its request on the server", async () => {
    const request = JobRequest.parse({ image: "web:1", scenarios: [{ env: ["DB_PASSWORD=hunter2secret"] }] });
    const { jobId } = server.addJob({ request });
    run(async (asked, deps) => {
      deps.progress({ kind: "note", text: "seen hunter2secret" });
      await deps.artifacts.put("verification.json", JSON.stringify({ fatAnswers: [{ bodySample: "hunter2secret" }] }));
      const whole = await typicalSlim(asked, deps);
      return { ...whole, verdict: "failed", verdictReason: "it answered hunter2secret" };
    });
    await finished(jobId);
    const all = [...server.artifacts.values(), ...server.log.values()].map(String).join("\n");
    expect(all).toContain("[redacted]");
    expect(all + JSON.stringify([...server.progress.values(), ...server.finishes.values()])).not.toContain("hunter2");
    const report = JSON.parse(String(server.artifacts.get(`${jobId}/report.json`)));
    expect(report.job.request.scenarios[0].env).toEqual(["DB_PASSWORD=[redacted]"]);
    expect(server.finishes.get(jobId)?.outcome).toMatchObject({
      state: "failed",
      error: { code: "verify.failed", message: "it answered [redacted]" },
    });
  });

  it("of kind info stores its document", async () => {
    const { jobId } = server.addJob({ request: JobRequest.parse({ image: "web:1", kind: "info" }) });
    run();
    await finished(jobId);
    expect(JSON.parse(String(server.artifacts.get(`${jobId}/info.json`)))).toEqual({ about: "it" });
  });

  it("is answered from an earlier job without any work", async () => {
    server.source = { action: "cached", jobId: "job_before", slim: null };
    const { jobId } = server.addJob();
    let worked = 0;
    run(async (request, deps) => {
      worked += 1;
      return typicalSlim(request, deps);
    });
    await finished(jobId);
    expect(server.finishes.get(jobId)).toMatchObject({ outcome: { state: "succeeded" }, cachedFrom: "job_before" });
    expect(worked).toBe(0);
  });

  it("works all the same when this engine has not the slim image of that job", async () => {
    const slim = { tags: ["web.slim:1"], chainId: `sha256:${"7".repeat(64)}` };
    server.source = { action: "cached", jobId: "job_before", slim };
    const { jobId } = server.addJob();
    run();
    await finished(jobId);
    expect(server.finishes.get(jobId)?.cachedFrom).toBeUndefined();
    expect(server.artifacts.has(`${jobId}/report.json`)).toBe(true);
  });

  it("that breaks is told with its code", async () => {
    const { jobId } = server.addJob();
    run(async () => {
      throw new TypeError("undefined is not a function");
    });
    await finished(jobId);
    expect(server.finishes.get(jobId)?.outcome).toMatchObject({ state: "failed", error: { code: "internal" } });
  });

  it("is told as failed when its files vanish under it", async () => {
    const { jobId } = server.addJob();
    run(async (request, deps) => {
      rmSync(deps.tmpDir, { recursive: true });
      return typicalSlim(request, deps);
    });
    await finished(jobId);
    expect(server.finishes.get(jobId)?.outcome).toMatchObject({ state: "failed" });
  });

  it("two at a time are two slots", async () => {
    const jobs = [server.addJob(), server.addJob(), server.addJob()];
    let most = 0;
    let now = 0;
    const slim: Slim = async (request, deps) => {
      most = Math.max(most, ++now);
      await until("two are at work", () => most >= 2);
      await new Promise((resolve) => setTimeout(resolve, 60)); // a third one would begin meanwhile
      now -= 1;
      return typicalSlim(request, deps);
    };
    run(slim, { slots: 2 });
    for (const { jobId } of jobs) await finished(jobId);
    expect(most).toBe(2);
  });
});

describe("calls that go wrong", () => {
  it("a claim whose answer is lost brings the same jobs again", async () => {
    server.fate = (step, nth) => (step === "claim" && nth === 1 ? "drop" : "answer");
    const { jobId } = server.addJob();
    run();
    await finished(jobId);
    const ids = server.seen
      .filter(({ step }) => step === "claim")
      .map(({ body }) => (body as { claimId: string }).claimId);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2] ?? "").not.toBe(ids[0]);
  });

  it("no work is begun for a start that is refused", async () => {
    server.fate = (step) => (step === "start" ? { code: "lease.lost" } : "answer");
    server.addJob();
    let worked = 0;
    run(async (request, deps) => {
      worked += 1;
      return typicalSlim(request, deps);
    });
    await until("a second claim", () => server.count("claim") > 1);
    expect(worked).toBe(0);
    expect(server.count("finish") + server.count("log")).toBe(0);
  });

  it("no work is begun for a start that nobody answers in time", async () => {
    server.fate = (step) => (step === "start" ? "hang" : "answer");
    server.addJob();
    run();
    await until("a second claim", () => server.count("claim") > 1);
    expect(server.count("source")).toBe(0);
  });

  it("a log that the server has lost is sent again", async () => {
    const { jobId } = server.addJob();
    let isLost = false;
    server.fate = (step) => {
      if (step !== "finish" || isLost) return "answer";
      isLost = true;
      server.log.set(jobId, Buffer.alloc(0));
      return "answer"; // it finds its log too short by itself
    };
    run();
    await finished(jobId);
    expect(server.count("finish")).toBe(2);
    expect(String(server.log.get(jobId))).toContain("job ended");
  });

  it("a long log comes in chunks", async () => {
    const { jobId } = server.addJob();
    run(async (request, deps) => {
      for (let line = 0; line < 900; line += 1) deps.log.info({ line, text: "x".repeat(1000) }, "much");
      return typicalSlim(request, deps);
    });
    await finished(jobId);
    expect(String(server.log.get(jobId)).trimEnd().split("\n")).toHaveLength(903);
  });

  it("a finish whose answer is lost is told again with the same words", async () => {
    server.fate = (step, nth) => (step === "finish" && nth <= 2 ? "drop" : "answer");
    const { jobId } = server.addJob();
    const { drain, ended } = run();
    await until("a third finish", () => server.count("finish") === 3);
    drain();
    expect(await ended).toEqual({ left: 0, error: null });
    expect(server.finishes.has(jobId)).toBe(true);
  });

  it("a server that asks for patience gets it", async () => {
    server.fate = (step, nth) =>
      step === "source" && nth === 1 ? { code: "database.busy", retryAfterMs: 150 } : "answer";
    const { jobId } = server.addJob();
    run();
    await finished(jobId);
    const [first, second] = server.seen.filter(({ step }) => step === "source");
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(149);
  });

  it.each(["source", "artifacts", "put", "commit", "log", "progress"])(
    "a lease lost in %s ends the work in silence",
    async (step) => {
      server.fate = (one) => (one === step ? { code: "lease.lost" } : "answer");
      const { jobId } = server.addJob();
      let reason: unknown;
      run(async (request, deps) => {
        deps.log.info("something to upload");
        deps.progress({ kind: "note", text: "something to tell" });
        if (step === "log" || step === "progress")
          await untilAborted(deps.signal).catch((thrown) => {
            reason = thrown;
            throw thrown;
          });
        return typicalSlim(request, deps);
      });
      await until("the next claim", () => server.count(step) > 0 && callsAfter(step).includes("claim"));
      expect(server.finishes.has(jobId)).toBe(false);
      // A chunk or a batch that was on its way at that moment is no word after it.
      const said = callsAfter(step).filter((one) => !["claim", "heartbeat"].includes(one));
      expect(said.filter((one) => !["log", "progress"].includes(one))).toEqual([]);
      expect(said.length).toBeLessThanOrEqual(2);
      if (step === "log" || step === "progress") expect(reason).toMatchObject({ code: "lease.lost" });
    },
  );

  it("a lease lost in finish is not asked about again", async () => {
    server.fate = (step) => (step === "finish" ? { code: "lease.lost" } : "answer");
    server.addJob();
    run();
    await until("the next claim", () => callsAfter("finish").includes("claim") && server.count("finish") > 0);
    expect(server.count("finish")).toBe(1);
  });
});

describe("a store of its own", () => {
  it("gets the bytes with their length and without any token", async () => {
    server.tickets = "foreign";
    const { jobId } = server.addJob();
    run();
    await finished(jobId);
    expect(String(server.artifacts.get(`${jobId}/files.jsonl`))).toBe('{"path":"/a"}\n');
    expect(server.count("put")).toBe(0);
  });

  it.each(["cut", { status: 403 }, { status: 503 }] as const)(
    "that is down (%j) and comes back has everything",
    async (fate) => {
      server.tickets = "foreign";
      server.fate = (step, nth) => (step === "store" && nth < 4 ? fate : "answer");
      const { jobId } = server.addJob();
      run();
      await finished(jobId);
      expect(server.finishes.get(jobId)?.outcome).toEqual({ state: "succeeded" });
    },
  );

  it("that stays down fails the attempt, which can be tried again", async () => {
    server.tickets = "foreign";
    server.fate = (step) => (step === "store" ? { status: 503 } : "answer");
    const { jobId } = server.addJob();
    run(typicalSlim, { storeMs: 60 });
    await finished(jobId);
    expect(server.finishes.get(jobId)?.outcome).toMatchObject({ state: "failed", error: { code: "store.failed" } });
  });
});

describe("what people ask for", () => {
  it("a cancel ends the work, and is told", async () => {
    const { jobId } = server.addJob();
    server.actions.set(jobId, "cancel");
    run(async (_request, { signal }) => untilAborted(signal));
    await finished(jobId);
    expect(server.finishes.get(jobId)?.outcome).toMatchObject({ state: "canceled", error: { code: "job.canceled" } });
  });

  it("an observation can be ended", async () => {
    const { jobId } = server.addJob();
    server.actions.set(jobId, "finish-observation");
    run(async (request, deps) => {
      await deps.finishAsked;
      return typicalSlim(request, deps);
    });
    await finished(jobId);
    expect(server.finishes.get(jobId)?.outcome).toEqual({ state: "succeeded" });
  });

  it("an abandoned job is dropped without a word", async () => {
    const { jobId } = server.addJob();
    server.actions.set(jobId, "abandon");
    run(async (_request, { signal }) => untilAborted(signal));
    await until("the next claim", () => server.count("claim") > 1);
    expect(server.finishes.has(jobId)).toBe(false);
  });
});

describe("the end of a runner", () => {
  /** Works until `go`. */
  const held = () => {
    let go = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const slim: Slim = async (request, deps) => {
      await Promise.race([gate, untilAborted(deps.signal)]);
      return typicalSlim(request, deps);
    };
    return { go: () => go(), slim };
  };

  it.each(["signal", "server"])("a drain by the %s lets jobs finish, with heartbeats to the last", async (by) => {
    const { go, slim } = held();
    const { jobId } = server.addJob();
    const { drain, ended } = run(slim, { slots: 2 });
    await until("it works", () => server.count("source") === 1);
    if (by === "signal") drain();
    else server.runnerAction = "drain";
    await until("it says so", () =>
      server.seen.some(({ step, body }) => step === "heartbeat" && (body as { draining: boolean }).draining),
    );
    const claims = server.count("claim");
    const beats = server.count("heartbeat");
    server.addJob();
    await until("more heartbeats", () => server.count("heartbeat") > beats + 5);
    expect(server.count("claim")).toBe(claims);
    go();
    expect(await ended).toEqual({ left: 0, error: null });
    expect(server.finishes.get(jobId)?.outcome).toEqual({ state: "succeeded" });
  });

  it("jobs that are stopped go back to the queue", async () => {
    const { jobId } = server.addJob();
    const { cancel, ended } = run(held().slim);
    await until("it works", () => server.count("source") === 1);
    cancel();
    expect(await ended).toEqual({ left: 0, error: null });
    expect(server.finishes.get(jobId)?.outcome).toMatchObject({ state: "failed", error: { code: "service.draining" } });
  });

  it("a job whose end nobody hears is left behind", async () => {
    server.addJob();
    const { go, slim } = held();
    const { drain, ended } = run(slim);
    await until("it works", () => server.count("source") === 1);
    server.fate = () => "cut";
    drain();
    go();
    expect(await ended).toEqual({ left: 1, error: null });
  });

  it.each([
    ["heartbeat", "token.missing"],
    ["claim", "token.missing"],
    ["heartbeat", "protocol.too-old"],
    ["claim", "protocol.too-old"],
  ] as const)("a %s that is refused with %s ends it", async (step, code) => {
    const { jobId } = server.addJob();
    const { ended } = run(held().slim, { slots: 2 });
    await until("it works", () => server.count("source") === 1);
    server.fate = (one) => (one === step ? { code } : "answer");
    expect(await ended).toMatchObject({ error: { code }, left: 1 });
    expect(server.finishes.has(jobId)).toBe(false);
  });
});

describe("who it is", () => {
  it("is remembered for its owner alone, and told with each start", async () => {
    const first = run();
    await until("it claims", () => server.count("claim") > 0);
    first.drain();
    await first.ended;
    expect(statSync(join(first.statePath, "runner.json")).mode & 0o777).toBe(0o600);
    const second = run(typicalSlim, { statePath: first.statePath, token: undefined });
    benches.shift(); // they share a state
    await until("it claims again", () => server.count("session") === 1 && callsAfter("session").includes("claim"));
    expect(server.count("register")).toBe(1);
    second.drain();
    await second.ended;
  });

  it("is told anew when the server has forgotten it", async () => {
    const first = run();
    await until("it claims", () => server.count("claim") > 0);
    first.drain();
    await first.ended;
    benches.shift();
    server.fate = (step) => (step === "session" ? { code: "token.missing" } : "answer");
    const second = run(typicalSlim, { statePath: first.statePath });
    await until("it registers", () => server.count("register") === 2);
    const ids = server.seen
      .filter(({ step }) => step === "register")
      .map(({ body }) => (body as { systemId: string }).systemId);
    expect(ids[0]).toBe(ids[1]);
    second.drain();
    await second.ended;
  });

  it("cannot be told without a token", async () => {
    const { ended } = run(typicalSlim, { token: undefined });
    expect(await ended).toMatchObject({ error: { code: "config.invalid" } });
  });

  it("a server that is not there yet is waited for", async () => {
    server.fate = (step, nth) => (step === "register" && nth === 1 ? "cut" : "answer");
    run();
    await until("it claims", () => server.count("claim") > 0);
    expect(server.count("register")).toBe(2);
  });
});

it("a server in the same process is called without a socket, and does not hold a runner that drains", async () => {
  server.timings = { ...server.timings, pollMs: 25_000 };
  const { jobId } = server.addJob();
  let parked = 0;
  // The app answers a poll when it likes, whatever becomes of whoever asked.
  const embedded = async (request: Request): Promise<Response> => {
    if (!request.url.endsWith("/claim") || server.count("claim") === 0) return fetch(request);
    parked += 1;
    return new Promise(() => {});
  };
  const { drain, ended } = run(typicalSlim, { fetch: embedded });
  await finished(jobId);
  await until("a parked poll", () => parked > 0);
  drain();
  expect(await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 2000))])).toEqual({
    left: 0,
    error: null,
  });
});

it("a report without anything secret stays as it is", async () => {
  const { jobId } = server.addJob();
  run();
  await finished(jobId);
  const request = JobRequest.parse({ image: "web:1" });
  expect(JSON.parse(String(server.artifacts.get(`${jobId}/report.json`)))).toEqual(aReport(request));
});

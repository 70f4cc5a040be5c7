import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeServer, type Fate } from "./fake-server.ts";
import { anEngine, aRunner, type Bench, type Slim, typicalSlim, until, untilAborted } from "./runner.builder.ts";

let server: FakeServer;
let bench: Bench | undefined;
beforeEach(async () => {
  server = await new FakeServer().open();
});
afterEach(async () => {
  bench?.cancel();
  await bench?.ended;
  if (bench) {
    expect(bench.leftFiles()).toEqual([]);
    rmSync(bench.statePath, { recursive: true });
  }
  bench = undefined;
  await server.close();
  expect(server.faults).toEqual([]);
});

const failures: [string, Fate][] = [
  ["cut", "cut"],
  ["answered too late", "hang"],
  ["answered by a stranger", "garbage"],
  ["answered with an empty 502", { status: 502 }],
  ["refused with internal", { code: "internal" }],
  ["refused with request.rate-limited", { code: "request.rate-limited", retryAfterMs: 5 }],
  ["refused with request.invalid", { code: "request.invalid" }],
  ["worked on, and its answer lost", "drop"],
];

/** Works until the test lets it go, or it is ended. */
function held(): { go(): void; slim: Slim; reasons: unknown[]; publishedAt: number[] } {
  let go = (): void => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const reasons: unknown[] = [];
  const publishedAt: number[] = [];
  const slim: Slim = async (request, deps) => {
    await Promise.race([gate, untilAborted(deps.signal)]).catch((thrown) => {
      reasons.push(thrown);
      throw thrown;
    });
    await deps.mayPublish?.();
    publishedAt.push(performance.now());
    return typicalSlim(request, deps);
  };
  return { go: () => go(), slim, reasons, publishedAt };
}

describe.each(failures)("heartbeats that are %s", (_name, fate) => {
  it("for a while cost nothing", async () => {
    const { jobId } = server.addJob();
    const { go, slim, reasons } = held();
    bench = aRunner(server, slim);
    await until("it works", () => server.count("source") === 1);
    const from = server.count("heartbeat");
    server.fate = (step, nth) => (step === "heartbeat" && nth > from && nth <= from + 3 ? fate : "answer");
    await until("they are answered again", () => server.count("heartbeat") > from + 4);
    go();
    await until("it is finished", () => server.finishes.has(jobId));
    expect(server.finishes.get(jobId)?.outcome).toEqual({ state: "succeeded" });
    expect(reasons).toEqual([]);
  });

  it("for good end the job before its lease does", async () => {
    const { jobId } = server.addJob();
    const { slim, reasons } = held();
    bench = aRunner(server, slim);
    await until("it works", () => server.count("source") === 1);
    server.fate = (step) => (step === "heartbeat" ? fate : "answer");
    const since = performance.now();
    await until("it is abandoned", () => reasons.length > 0);
    expect(performance.now() - since).toBeLessThan(server.timings.leaseMs);
    expect(reasons[0]).toMatchObject({ code: "lease.lost" });
    await until("it claims again", () => server.seen.at(-1)?.step === "claim" || server.count("claim") > 1);
    expect(server.finishes.has(jobId)).toBe(false);
  });
});

describe("out of touch for longer than the fence", () => {
  it("a job's tags wait until the server is heard of again", async () => {
    const { jobId } = server.addJob();
    const { go, slim, publishedAt } = held();
    bench = aRunner(server, slim);
    await until("it works", () => server.count("source") === 1);
    server.fate = (step) => (step === "heartbeat" ? "cut" : "answer");
    const since = performance.now();
    await until("the fence", () => performance.now() - since > server.timings.fenceMs + 50);
    go();
    await until("moments later", () => performance.now() - since > server.timings.fenceMs + 150);
    expect(publishedAt).toEqual([]);
    server.fate = () => "answer";
    await until("it is finished", () => server.finishes.has(jobId));
    expect(publishedAt).toHaveLength(1);
  });

  it("no end is told", async () => {
    const { jobId } = server.addJob();
    const { go, slim } = held();
    bench = aRunner(server, async (request, deps) => {
      await slim(request, {
        ...deps,
        mayPublish: undefined,
        artifacts: { put: async (name) => ({ name, bytes: 0, sha256: "" }) },
      });
      return typicalSlim(request, {
        ...deps,
        mayPublish: undefined,
        artifacts: { put: async (name) => ({ name, bytes: 0, sha256: "" }) },
      });
    });
    await until("it works", () => server.count("source") === 1);
    server.fate = (step) => (step === "heartbeat" ? "cut" : "answer");
    const since = performance.now();
    await until("the fence", () => performance.now() - since > server.timings.fenceMs + 50);
    go();
    await until("it is abandoned", () => performance.now() - since > server.timings.abandonMs + 100);
    expect(server.count("finish")).toBe(0);
    expect(server.finishes.has(jobId)).toBe(false);
  });
});

describe("a host that is not fit", () => {
  it("with too little disk takes no jobs, says so, and takes them when there is room", async () => {
    server.addJob();
    bench = aRunner(server, typicalSlim, { diskFloorBytes: 2 ** 60 });
    const paused = () =>
      server.seen
        .filter(({ step }) => step === "heartbeat")
        .map(({ body }) => (body as { paused: string | null }).paused);
    await until("it says so", () => paused().some((text) => text?.startsWith("disk below")));
    expect(server.count("claim")).toBe(0);
  });

  it("whose engine is silent takes none until it answers", async () => {
    const { jobId } = server.addJob();
    let isUp = false;
    const engine = anEngine(async () => {
      if (!isUp) throw new Error("connect ENOENT");
      return {};
    });
    bench = aRunner(server, typicalSlim, { engine });
    await until("it beats", () => server.count("heartbeat") > 3);
    expect(server.count("claim")).toBe(0);
    isUp = true;
    await until("it is finished", () => server.finishes.has(jobId));
  });

  it("whose engine was away is swept when it is back, and after each job, but for jobs at work", async () => {
    let isUp = true;
    const engine = anEngine(async () => {
      if (!isUp) throw new Error("connect ENOENT");
      return {};
    });
    const sweeps: (readonly string[])[] = [];
    const sweep = async (_engine: unknown, { jobsAtWork }: { jobsAtWork(): readonly string[] }) =>
      void sweeps.push(jobsAtWork());
    const { jobId } = server.addJob();
    bench = aRunner(server, typicalSlim, { engine, kinds: { sweep } });
    await until("it is finished", () => server.finishes.has(jobId));
    await until("it is swept", () => sweeps.length > 1);
    expect(sweeps).toEqual([[], []]); // at the start, and after the job
    isUp = false;
    const paused = () => server.seen.filter(({ step }) => step === "heartbeat").at(-1)?.body;
    await until("it says so", () => (paused() as { paused: string | null } | undefined)?.paused != null);
    isUp = true;
    await until("it is swept again", () => sweeps.length > 2);
  });

  it("gives back what it got when that happened meanwhile", async () => {
    let looks = 0;
    const engine = anEngine(async () => {
      looks += 1;
      if (looks > 2) throw new Error("connect ENOENT"); // one before the session, one before the claim
      return {};
    });
    const { jobId } = server.addJob();
    bench = aRunner(server, typicalSlim, { engine });
    await until("it is given back", () => server.releases.length > 0);
    expect(server.releases).toEqual([{ jobId, release: { reason: "unfit", detail: "the engine does not answer" } }]);
    expect(server.count("start")).toBe(0);
  });
});

/** Every call of one attempt fails once, the first, the second, ... until a run has fewer. */
describe.each<[string, Fate]>([
  ["is cut off", "cut"],
  ["loses its answer", "drop"],
  ["is answered with an error of the server", { code: "database.busy" }],
  ["is answered by a stranger", "garbage"],
  ["comes late", { delayMs: 30 }],
])("when the n-th call %s", (_name, fate) => {
  it.each(["own", "foreign"] as const)(
    "the job ends once, with everything in an %s store, for each n",
    async (tickets) => {
      for (let n = 1, isReached = true; isReached; n += 1) {
        let calls = 0;
        isReached = false;
        const one = await new FakeServer().open();
        one.tickets = tickets;
        one.fate = (step) => {
          // What goes by the clock has its own tests, and would move the count.
          if (["heartbeat", "log", "progress", "claim", "register"].includes(step) && calls > 0) return "answer";
          if (step === "register" || step === "heartbeat") return "answer";
          calls += 1;
          if (calls !== n) return "answer";
          isReached = true;
          return fate;
        };
        const { jobId } = one.addJob();
        const runner = aRunner(one);
        await until(`the ${n}-th`, () => one.finishes.has(jobId));
        runner.drain();
        expect(await runner.ended).toEqual({ left: 0, error: null });
        expect(runner.leftFiles()).toEqual([]);
        expect([...one.artifacts.keys()].sort()).toEqual(
          ["fat.log", "files.jsonl", "report.json"].map((name) => `${jobId}/${name}`),
        );
        expect(one.finishes.get(jobId)?.outcome).toEqual({ state: "succeeded" });
        expect(one.faults).toEqual([]);
        rmSync(runner.statePath, { recursive: true });
        await one.close();
        if (!isReached) expect(n).toBeGreaterThan(12);
      }
    },
  );
});

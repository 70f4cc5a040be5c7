import Docker from "dockerode";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { WinnowError } from "#contract/error.ts";
import { JobRequest } from "#contract/job.ts";
import { inspectImage } from "#runner/docker/images.ts";
import { leftovers } from "#runner/docker/sweep.ts";
import type { ScenarioRun } from "#runner/observation.ts";
import { sensorBinary } from "#runner/sensor/binary.ts";
import { withJob } from "#runner/stages/job-deps.ts";
import { observe } from "#runner/stages/observe.ts";
import { type TestDeps, testDeps } from "../deps.ts";
import { buildSample, buildSettings, imageOf } from "../images/build.ts";

const label = { "dev.winnow.test": "hostile" };
const image = imageOf("hostile");
const limits = { memoryBytes: 64 << 20, pids: 64, cpus: 2 };
const docker = new Docker();
let deps: TestDeps;
/** What the observed application wrote, also when its job ended with an error. */
let said: string;

beforeAll(async () => {
  await buildSample("hostile", docker, buildSettings(process.env));
}, 300_000);

beforeEach(async () => {
  said = "";
  const listen = (text: string) => {
    said = (said + text).slice(0, 1 << 16);
  };
  deps = await testDeps({ progress: (event) => event.kind === "container-log" && listen(event.text) });
});

afterEach(async () => {
  const nothing = { containers: [], networks: [], volumes: [], images: [] };
  expect(await leftovers(deps.engine, deps.jobId)).toEqual(nothing);
});

/** Runs the program in a container as the engine makes it for anyone, and returns what it wrote. */
async function plainly(cmd: string, User: string): Promise<string> {
  const { memoryBytes: Memory, pids: PidsLimit } = limits;
  const HostConfig = { NetworkMode: "none", Memory, MemorySwap: Memory, PidsLimit };
  // A terminal, because its log has no frames.
  const options = { Image: image, Cmd: [cmd], User, Tty: true, Labels: label, HostConfig };
  const container = await docker.createContainer(options);
  try {
    await container.start();
    await container.wait();
    return (await container.logs({ stdout: true, stderr: true })).toString("latin1");
  } finally {
    await container.remove({ force: true, v: true });
  }
}

type Asked = { scenario?: object; limits?: object };

/** Observes it as a job does, and hands back what the job has then; no job of this image gets further. */
async function observed(cmd: string, asked: Asked = {}): Promise<ScenarioRun> {
  const source = await inspectImage(deps, image);
  const request = JobRequest.parse({
    image,
    limits: { ...limits, startMs: 20_000, scenarioMs: 30_000, ...asked.limits },
    scenarios: [{ cmd: [cmd], defaultProbe: false, finish: { kind: "command-exit" }, ...asked.scenario }],
  });
  const subject = { image: source.id, config: source.config };
  const sensor = await sensorBinary(source.architecture);
  const { runs } = await withJob(deps, sensor, (job) => observe(subject, request, job));
  const [run] = runs;
  if (!run) throw new Error("the only scenario has no run");
  return run;
}

/** The outcome of each attempt by its name. */
const outcomes = (text: string): Map<string, string> =>
  new Map(
    text.split(/\r?\n/).flatMap((line): [string, string][] => {
      const [, name, outcome] = /^([a-z0-9-]+): (.*)$/.exec(line) ?? [];
      return name !== undefined && outcome !== undefined ? [[name, outcome]] : [];
    }),
  );

/** Refused in another way than by the engine: as if the kernel had no such call. */
const unknownCalls = new Set(["io-uring", "x32-unshare", "x32-mount"]);

describe("what a plain container refuses", () => {
  test.each([
    ["root", "0:0"],
    ["a user", "1000:1000"],
  ])("the observed one refuses %s as well", async (_, user) => {
    const plain = outcomes(await plainly("escapes", user));
    const run = await observed("escapes", { scenario: { user } });
    const under = outcomes(run.output.toString());
    expect(under.size).toBeGreaterThan(90);
    expect([...under.keys()]).toEqual([...plain.keys()]);
    for (const [name, outcome] of under) {
      // Only an observed container has a tracer in it.
      const wanted = plain.get(name) === "nothing there" ? expect.stringMatching(/^refused E\w+$/) : plain.get(name);
      expect([name, outcome]).toEqual([name, unknownCalls.has(name) ? "refused ENOSYS" : wanted]);
    }
    const succeeded = [...under].filter(([, outcome]) => !outcome.startsWith("refused ")).map(([name]) => name);
    // Older engines give root that device, with which it can do nothing in a network of its own.
    expect(succeeded.filter((name) => name !== "dev-tun")).toEqual([]);
    expect(run.sensor[0]).toMatchObject({ complete: true, level: "full" });
  });
});

describe("an application that attacks its observer", () => {
  test("cannot put a program in the sensor's place", async () => {
    const probe = { kind: "exec", argv: ["/bin/hostile", "escapes"] };
    const run = await observed("sensor-replace", { scenario: { finish: undefined, probes: [probe] } });
    expect(said).toMatch(/^sensor: EBUSY and EROFS$/m);
    expect(said).not.toContain("in the observer's place");
    expect(run.answers[0]).toMatchObject({ exitCode: 0, bodySample: expect.stringContaining("mount-tmpfs: refused") });
  });

  test.each([
    "kill-tracer",
    "kill-all",
    "limit-tracer",
    "events-append",
    "events-empty",
    "events-delete",
    "events-swap",
    "events-block",
    "directory-move",
  ])("by %s ends the job", async (assault) => {
    const failure: WinnowError = await observed(assault).then(Promise.reject, (error) => error);
    expect(failure).toMatchObject({ code: "observation.incomplete" });
    expect(failure.message).toMatch(/no valid end mark .*: it was killed, or the application changed its file\.$/);
  });

  test("by a record of a terabyte ends the job, not the runner", async () => {
    await expect(observed("events-swell")).rejects.toMatchObject({
      code: "limit.exceeded",
      message: expect.stringMatching(/events of the container has \d{13} bytes/),
    });
  });

  test("by stopping it gains no time", async () => {
    await expect(observed("stop-tracer", { limits: { scenarioMs: 3000 } })).rejects.toMatchObject({
      code: "limit.exceeded",
      message: 'The scenario "default" did not end within 3 s.',
    });
  });
});

describe("an application without measure", () => {
  test("gets no more processes than its limit", async () => {
    const run = await observed("fork-bomb");
    expect(run.output.toString()).toBe("fork-bomb: refused EAGAIN\n");
    expect(run.sensor[0]?.complete).toBe(true);
  });

  test("gets no more memory than its limit", async () => {
    await expect(observed("memory-hog")).rejects.toMatchObject({
      code: "limit.exceeded",
      message: "The application used more memory than its limit and was killed.",
    });
  });

  // Again, because it is the whole disk that is looked at: what a neighbour removes at that moment hides as much of a write.
  const disk = ["disk-fill", "disk-fill-volume", "disk-fill-unseen"];
  test.each(disk)("is ended by its %s", { retry: 3 }, async (assault) => {
    const running = observed(assault, { limits: { diskBytes: 64 << 20, scenarioMs: 10_000 } });
    await expect(running).rejects.toMatchObject({
      code: "limit.exceeded",
      message: expect.stringMatching(/^The application filled the engine's disk: \d+ MB written, \d+ MB left/),
    });
  });

  test("may write what its limit allows", async () => {
    const run = await observed("disk-fill", { scenario: { finish: { kind: "seconds", seconds: 2 } } });
    expect(run.ending.how).toBe("killed");
  });

  test("may talk, and little of it is kept", async () => {
    const run = await observed("output-flood");
    expect(run.output.length).toBe(4 << 20);
  });
});

describe("a scenario that never ends", () => {
  const scenarioMs = 2000;
  const tooLong = { code: "limit.exceeded", message: 'The scenario "default" did not end within 2 s.' };

  test("because its command ignores every signal", async () => {
    await expect(observed("ignore", { limits: { scenarioMs } })).rejects.toMatchObject(tooLong);
  });

  test("because its probe gets no answer", async () => {
    const scenario = { defaultProbe: true, finish: undefined };
    await expect(observed("never-answer", { scenario, limits: { scenarioMs } })).rejects.toMatchObject(tooLong);
  });

  test("because a command beside it does not return", async () => {
    const probes = [{ kind: "exec", argv: ["/bin/hostile", "ignore"] }];
    const scenario = { probes, finish: undefined };
    await expect(observed("ignore", { scenario, limits: { scenarioMs } })).rejects.toMatchObject(tooLong);
  });

  test("is over in time when that was asked for", async () => {
    const scenario = { finish: { kind: "timeout" } };
    const run = await observed("ignore", { scenario, limits: { scenarioMs } });
    expect(run.ending.how).toBe("killed");
    expect(run.totalMs).toBeLessThan(25_000);
  });
});

import { createServer as createHttp, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcp, connect as dial, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { Limits, type Probe, Scenario } from "#contract/job.ts";
import type { Connect } from "./http-probe.ts";
import { planProbes } from "./plan-probes.ts";
import type { Listener } from "./readiness.ts";
import { type ExecResult, runProbes } from "./run-probes.ts";

const live = new AbortController().signal;
const limits = Limits.parse({ startMs: 5000, probeMs: 5000 });
const on = (port: number): Listener => ({ family: "tcp", address: "0.0.0.0", port, uid: 0 });
const aScenario = (more: Partial<Scenario> = {}): Scenario => ({ ...Scenario.parse({}), ...more });
const get = (resource: string, port?: number): Probe => ({ kind: "http", method: "GET", resource, port, headers: [] });
const noExec = () => Promise.reject(new Error("no command was expected"));

const servers = new Map<number, Server>();
afterEach(async () => {
  for (const server of servers.values()) await new Promise((resolve) => server.close(resolve));
  servers.clear();
});

/** Serves the port `port` of the application, on whatever port of this machine. */
async function serve(port: number, server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.set(port, server);
}
const http = (port: number, listener: RequestListener) => serve(port, createHttp(listener));
const tcp = (port: number, listener: (socket: Socket) => void) =>
  serve(
    port,
    createTcp((socket) => {
      socket.on("error", () => undefined);
      listener(socket);
      socket.resume();
    }),
  );

const connect: Connect = (port) =>
  new Promise((resolve, reject) => {
    const server = servers.get(port);
    if (!server) return reject(new Error(`ECONNREFUSED: nothing on ${port}`));
    const socket = dial((server.address() as AddressInfo).port, "127.0.0.1", () => resolve(socket));
    socket.once("error", reject);
  });

function probe(scenario: Scenario, exposed: number[] = [], more: Partial<Parameters<typeof runProbes>[0]> = {}) {
  const planned = planProbes(scenario, [...servers.keys()].map(on), exposed, more.limits ?? limits);
  return runProbes({ planned, connect, exec: noExec, limits, signal: live, ...more });
}

/** What a redis server does, as far as probes see it. */
const redis = (socket: Socket) =>
  socket.on("data", (data) => {
    if (data.toString() === "PING\r\n") socket.write("+PONG\r\n");
    else socket.end("-ERR wrong number of arguments for 'get' command\r\n");
  });

describe("planProbes", () => {
  const brief = (scenario: Scenario, ports: number[], exposed: number[]) =>
    planProbes(scenario, ports.map(on), exposed, limits).map(({ probe, port, origin }) => [probe.kind, port, origin]);

  test("every listening port gets GET /, exposed ones first, and dead exposed ones get nothing", () => {
    expect(brief(aScenario(), [9000, 443, 80, 80, 8080], [8080, 443, 5000])).toEqual([
      ["http", 443, "default"],
      ["http", 8080, "default"],
      ["http", 80, "default"],
      ["http", 9000, "default"],
    ]);
    expect(brief(aScenario({ defaultProbe: false }), [80], [])).toEqual([]);
  });

  test("the scenario's probes follow in their order, to every port unless they name one", () => {
    const probes: Probe[] = [
      { kind: "exec", argv: ["a"], expectExit: 0 },
      get("/x"),
      get("/y", 7),
      { kind: "tcp" },
      { kind: "exec", argv: ["b"], expectExit: 0 },
    ];
    expect(brief(aScenario({ probes, defaultProbe: false }), [80, 81], [])).toEqual([
      ["exec", null, "asked"],
      ["http", 80, "every-port"],
      ["http", 81, "every-port"],
      ["http", 7, "asked"],
      ["tcp", 80, "asked"],
      ["tcp", 81, "asked"],
      ["exec", null, "asked"],
    ]);
    expect(brief(aScenario({ probes }), [], [80]).map(([kind, port]) => `${kind} ${port}`)).toEqual([
      "exec null",
      "http null",
      "http 7",
      "tcp null",
      "exec null",
    ]);
  });

  test("a port that nobody declared does not get the whole time of a probe", () => {
    const times = (exposed: number[]) =>
      planProbes(aScenario(), [on(80), on(4369)], exposed, Limits.parse({})).map((p) => p.timeoutMs);
    expect(times([80])).toEqual([30_000, 5000]);
    expect(times([])).toEqual([30_000, 30_000]);
    expect(times([443])).toEqual([30_000, 30_000]);
  });
});

describe("runProbes", () => {
  test("answers come in the planned order with status, type, body and target", async () => {
    await http(8080, (request, answer) => {
      const slow = request.url === "/slow" ? 30 : 0;
      setTimeout(() => answer.writeHead(200, { "content-type": "text/plain" }).end(`path ${request.url}`), slow);
    });
    const answers = await probe(aScenario({ probes: [get("/slow"), get("/fast")] }));
    expect(answers.map(({ target, bodySample }) => [target, bodySample])).toEqual([
      ["http://:8080/", "path /"],
      ["http://:8080/slow", "path /slow"],
      ["http://:8080/fast", "path /fast"],
    ]);
    expect(answers[0]).toMatchObject({
      scenario: "default",
      status: 200,
      contentType: "text/plain",
      exitCode: null,
      bodyBytes: 6,
      error: null,
    });
    expect(answers[0]?.bodySha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test("a redis server on its port is greeted and never sent HTTP", async () => {
    const heard: string[] = [];
    await tcp(6379, (socket) => {
      socket.on("data", (data) => heard.push(data.toString()));
      redis(socket);
    });
    expect(await probe(aScenario())).toMatchObject([
      {
        target: "tcp :6379",
        probe: { kind: "tcp", port: 6379, send: "PING\r\n" },
        bodySample: "+PONG\r\n",
        status: null,
        error: null,
      },
    ]);
    expect(heard).toEqual(["PING\r\n"]);
  });

  test("a redis server on another port is known by what it says to HTTP", async () => {
    await tcp(7000, redis);
    expect(await probe(aScenario())).toMatchObject([{ target: "tcp :7000", bodySample: "+PONG\r\n" }]);
  });

  test("an HTTP server on the port of redis is found to be one", async () => {
    await http(6379, (_request, answer) => answer.end("not redis"));
    expect(await probe(aScenario())).toMatchObject([{ target: "http://:6379/", status: 200, bodySample: "not redis" }]);
  });

  const startFrame = Buffer.from("\x01\0\0\0\0\x04\0\x0a\0\x0a\xce", "latin1");

  test.each([
    ["AMQP", 5672, "AMQP\0\0\x09\x01", startFrame],
    ["AMQP of another version", 5672, "AMQP\0\0\x09\x01", Buffer.from("AMQP\0\x01\0\0")],
    ["MQTT", 1883, "\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0", Buffer.from("\x20\x02\0\0")],
    [
      "DNS",
      53,
      "\0\x1b\0\x2a\x01\0\0\x01\0\0\0\0\0\0\x09localhost\0\0\x01\0\x01",
      Buffer.from("\0\x0c\0\x2a\x85\x80\0\0\0\0\0\0\0\0", "latin1"),
    ],
  ])("a server is greeted in its own protocol: %s", async (_name, port, greeting, answer) => {
    const heard: string[] = [];
    await tcp(port, (socket) => {
      socket.on("data", (data) => {
        heard.push(data.toString("latin1"));
        if (heard.join("") === greeting) socket.write(answer);
        else socket.destroy();
      });
    });
    expect(await probe(aScenario())).toMatchObject([{ target: `tcp :${port}`, bodyBytes: answer.length, error: null }]);
    expect(heard).toEqual([greeting]);
  });

  test("a server that speaks first is answered by its greeting", async () => {
    await tcp(25, (socket) => void socket.write("220 mail.example ESMTP\r\n"));
    expect(await probe(aScenario())).toMatchObject([
      { target: "tcp :25", bodySample: "220 mail.example ESMTP\r\n", error: null },
    ]);
  });

  test("a probe of every port skips the ports without HTTP, in whichever order they are found", async () => {
    await tcp(25, (socket) => void socket.write("220 mail.example ESMTP\r\n"));
    await http(80, (_request, answer) => answer.end());
    await tcp(90, (socket) => socket.once("data", () => socket.end()));
    const scenario = aScenario({ probes: [get("/x"), get("/y")] });
    const targets = (answers: { target: string }[]) => answers.map(({ target }) => target);
    expect(targets(await probe(scenario))).toEqual([
      "tcp :25",
      "http://:80/",
      "http://:90/",
      "http://:80/x",
      "http://:80/y",
    ]);
    expect(targets(await probe({ ...scenario, defaultProbe: false }))).toEqual(["http://:80/x", "http://:80/y"]);
  });

  test("when no port speaks HTTP, or none listens, the user's probe is an answer with an error", async () => {
    expect(await probe(aScenario({ probes: [get("/x")] }))).toMatchObject([
      { status: null, error: "no port is listening" },
    ]);
    await tcp(25, (socket) => void socket.write("220 mail.example ESMTP\r\n"));
    expect(await probe(aScenario({ probes: [get("/x")] }))).toMatchObject([
      { target: "tcp :25" },
      { target: "http://:25/x", error: "port 25 does not speak HTTP" },
    ]);
  });

  test("a port that never becomes available costs its five seconds once, not per probe", async () => {
    let requests = 0;
    await http(80, (_request, answer) => {
      requests++;
      answer.writeHead(503).end();
    });
    const started = performance.now();
    const answers = await probe(aScenario({ probes: [get("/a"), get("/b"), get("/c")] }));
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
    expect(requests).toBeGreaterThan(10);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test("commands run in order and answer with exit code, stdout and then stderr", async () => {
    const ran: string[] = [];
    const exec = async ({ argv }: { argv: string[] }): Promise<ExecResult> => {
      ran.push(argv.join(" "));
      return { exitCode: ran.length, stdout: Buffer.from("out in 12 ms of c0ffee"), stderr: Buffer.from("|err") };
    };
    const probes: Probe[] = [
      { kind: "exec", argv: ["a", "b c"], expectExit: 0 },
      { kind: "exec", argv: ["d"], expectExit: 0 },
    ];
    const answers = await probe(aScenario({ probes }), [], { exec, mask: ["c0ffee"] });
    expect(ran).toEqual(["a b c", "d"]);
    expect(answers).toMatchObject([
      { target: 'exec a "b c"', exitCode: 1, bodySample: "out in 0 ms of <self>|err", error: null },
      { target: "exec d", exitCode: 2 },
    ]);
  });

  test("a command that hangs is told to stop and does not hold up the next one", async () => {
    let stopped = false;
    const exec = ({ argv }: { argv: string[] }, signal: AbortSignal): Promise<ExecResult> => {
      if (argv[0] !== "hang") return Promise.resolve({ exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) });
      return new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => {
          stopped = true;
          reject(signal.reason);
        }),
      );
    };
    const probes: Probe[] = ["hang", "next"].map((name) => ({ kind: "exec", argv: [name], expectExit: 0 }));
    const answers = await probe(aScenario({ probes }), [], { exec, limits: { ...limits, probeMs: 50 } });
    expect(answers).toMatchObject([
      { exitCode: null, error: "the command did not end within 50 ms" },
      { exitCode: 0, error: null },
    ]);
    expect(stopped).toBe(true);
  });

  test("a health check is tried until it passes or has failed often enough; its last answer is the answer", async () => {
    const codes: Record<string, number[]> = { late: [1, 1, 0, 9], sick: [1, 2, 3, 0] };
    const exec = async ({ argv: [name = ""] }: { argv: string[] }): Promise<ExecResult> => {
      const exitCode = codes[name]?.shift() ?? -1;
      return { exitCode, stdout: Buffer.from(`said ${exitCode}`), stderr: Buffer.alloc(0) };
    };
    const health = { tries: 3, everyMs: 1, timeoutMs: 1000 };
    const probes: Probe[] = ["late", "sick"].map((name) => ({ kind: "exec", argv: [name], expectExit: 0, health }));
    expect(await probe(aScenario({ probes }), [], { exec })).toMatchObject([
      { target: "healthcheck", exitCode: 0, bodySample: "said 0" },
      { target: "healthcheck", exitCode: 3, bodySample: "said 3" },
    ]);
    expect(codes).toEqual({ late: [9], sick: [0] });
  });

  test("a health check that hangs is not tried again", async () => {
    let started = 0;
    const exec = (_probe: object, signal: AbortSignal): Promise<ExecResult> => {
      started += 1;
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    const health = { tries: 3, everyMs: 1, timeoutMs: 30 };
    const answers = await probe(aScenario({ probes: [{ kind: "exec", argv: ["x"], expectExit: 0, health }] }), [], {
      exec,
    });
    expect(answers).toMatchObject([{ target: "healthcheck", error: "the command did not end within 30 ms" }]);
    expect(started).toBe(1);
  });

  test("a TCP probe sends what it is given", async () => {
    await tcp(7, (socket) => void socket.pipe(socket));
    const probes: Probe[] = [
      { kind: "tcp", port: 7, send: "caf\u00e9" },
      { kind: "tcp", port: 8, send: "x" },
    ];
    expect(await probe(aScenario({ defaultProbe: false, probes }))).toMatchObject([
      { target: "tcp :7", bodySample: "caf\u00e9", error: null },
      { target: "tcp :8", error: "ECONNREFUSED: no connection to port 8" },
    ]);
  });

  test("an abort between or within probes is an error", async () => {
    const abort = new AbortController();
    await http(80, () => abort.abort(new Error("canceled")));
    await expect(probe(aScenario(), [], { signal: abort.signal })).rejects.toThrow("canceled");
  });
});

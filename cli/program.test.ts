import { EventEmitter } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { aReport } from "#api/db/builders.ts";
import { WinnowError } from "#contract/error.ts";
import type { JobRequest } from "#contract/job.ts";
import type { RunnerDeps } from "#runner/deps.ts";
import type { Reason } from "#runner/keep-set.ts";
import { loadConfig } from "./config.ts";
import { runCli } from "./program.ts";
import { artifactsOf } from "./why/why.builder.ts";
import type { Backend, World } from "./world.ts";

const root = mkdtempSync(join(tmpdir(), "winnow-program-"));
afterAll(() => rmSync(root, { recursive: true }));

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(root, "home-"));
});

const tinyArtifacts = artifactsOf(
  {
    "/bin/app": "x".repeat(2048),
    "/lib": "-> /usr/lib",
    "/usr/doc/\x1b[31mred": "0123456789",
    "/srv/caf\udce9": "",
    "/srv/\u2028": "",
  },
  new Map<string, Reason>([
    ["/bin/app", { kind: "observed", by: "default", detail: "exec" }],
    ["/bin", { kind: "parent", by: "/bin/app" }],
    ["/srv/caf\udce9", { kind: "pinned", by: "/srv/**" }],
  ]),
);

/** A pipeline as small as can be: it stores a list of files and says that all went well. */
async function tinySlim(request: JobRequest, deps: RunnerDeps) {
  deps.progress({ kind: "stage", stage: "observe", state: "started" });
  deps.progress({ kind: "container-log", run: "fat", text: "listening\n" });
  deps.log.warn({ stage: "observe" }, "slow \x1b[2J start");
  deps.log.debug({ stage: "rebuild" }, "layer written");
  deps.progress({ kind: "stage", stage: "observe", state: "done", durationMs: 5, detail: "" });
  for (const [name, content] of Object.entries(tinyArtifacts)) await deps.artifacts.put(name, content);
  return aReport({ job: { id: deps.jobId, kind: request.kind, request, startedAt: 1, finishedAt: 2501 } });
}

type Run = { code: number; out: string; err: string; exits: number[] };

async function winnow(
  args: string[],
  { backend = {}, during }: { backend?: Partial<Backend>; during?: (world: World) => void } = {},
): Promise<Run> {
  let out = "";
  let err = "";
  const exits: number[] = [];
  const world: World = {
    config: loadConfig({ HOME: home }),
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
    exit: (code) => void exits.push(code),
    backend: {
      // No pipeline of this file touches an engine.
      connectEngine: async () => ({}) as RunnerDeps["engine"],
      sweep: async () => {},
      slim: tinySlim,
      info: async () => ({ reference: "web:1", layers: 2 }),
      ...backend,
    },
    now: Date.now,
  };
  during?.(world);
  const code = await runCli(args, world);
  return { code, out, err, exits };
}

describe("winnow slim", () => {
  it("prints sizes with the verdict, and where everything is", async () => {
    const { code, out, err } = await winnow(["slim", "web:1"]);
    expect(code).toBe(0);
    expect(out).toMatch(/size +100 MiB → 10\.0 MiB \(10\.0 times smaller, verified\)/);
    expect(out).toMatch(/verdict +verified: /);
    expect(out).toMatch(/next +docker run web\.slim:1/);
    expect(out).toMatch(new RegExp(`artifacts +${home}/\\.local/state/winnow/store/jobs/job_[0-9a-z]+/1/`));
    expect(err).toBe(`observe …\nwarn observe: slow ${String.raw`\x1b[2J`} start\nobserve    0.0 s\n`);
  });

  it("prints one JSON document and nothing else on stdout", async () => {
    const { code, out } = await winnow(["slim", "--json", "web:1"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      schemaVersion: 1,
      verdict: "verified",
      artifacts: [{ name: "files.jsonl" }, { name: "graph.json" }, { name: "job.log" }],
    });
  });

  it("with a command prints docker-stfd's line, and hands the command on as it is", async () => {
    let asked: JobRequest | undefined;
    const { code, out } = await winnow(["build", "web:1", "--", "python", "--json", "-c", "a | b"], {
      backend: {
        slim: async (request, deps) => {
          asked = request;
          return await tinySlim(request, deps);
        },
      },
    });
    expect(code).toBe(0);
    expect(asked?.scenarios[0]).toMatchObject({ cmd: ["python", "--json", "-c", "a | b"], expectExit: 0 });
    expect(out).toMatch(/^used 80 files \(10\.0 MiB\), unused 720 files \(90\.0 MiB\)$/m);
  });

  it("-f reads the job from a file, and an image beside it wins", async () => {
    const file = join(home, "job.yaml");
    writeFileSync(file, "image: web:1\nscenarios: [{name: a, cmd: serve}, {name: b, cmd: check}]\n");
    const asked: JobRequest[] = [];
    const backend: Partial<Backend> = {
      slim: async (request, deps) => {
        asked.push(request);
        return await tinySlim(request, deps);
      },
    };
    await winnow(["slim", "-f", file], { backend });
    await winnow(["profile", "--file", file, "--json", "web:2"], { backend });
    expect(asked).toMatchObject([
      { kind: "slim", image: "web:1", scenarios: [{ cmd: ["serve"] }, { cmd: ["check"] }] },
      { kind: "profile", image: "web:2" },
    ]);
  });

  it("-f tells every fault of the file with its line, and of the flags beside it", async () => {
    const file = join(home, "job.yaml");
    writeFileSync(file, "image: web:1\ntag: [a]\nkeep: 5\n");
    const faulty = await winnow(["slim", "-f", file]);
    expect(faulty).toMatchObject({ code: 2, out: "" });
    expect(faulty.err).toContain(`error: ${file}:2:1: tag: is not a key that is known here (did you mean "tags"?)`);
    expect(faulty.err).toContain(`${file}:3:7: keep: must be a map, not 5`);
    expect(await winnow(["slim", "-f", file, "--env", "A=1", "--no-http-probe", "--json"])).toMatchObject({
      code: 2,
      out: expect.stringContaining(
        String.raw`"--no-http-probe: cannot stand beside --file.\n--env: cannot stand beside --file."`,
      ),
    });
    expect(await winnow(["slim", "-f", join(home, "none.yaml")])).toMatchObject({
      code: 2,
      err: expect.stringContaining("none.yaml"),
    });
    expect(await winnow(["info", "-f", file])).toMatchObject({ code: 2 });
  });

  it("shows container and rebuild logs when asked, and writes the log to a file", async () => {
    const log = join(home, "winnow.jsonl");
    const { err } = await winnow([
      "slim",
      "web:1",
      "--show-clogs",
      "--show-blogs",
      "--log-level",
      "error",
      "--log",
      log,
    ]);
    expect(err).toBe("observe …\nfat | listening\ndebug rebuild: layer written\nobserve    0.0 s\n");
    const lines = readFileSync(log, "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
      "job started",
      "slow \x1b[2J start",
      "layer written",
      "job ended",
    ]);
  });

  it("has the console log as JSON when asked", async () => {
    const { err } = await winnow(["--log-format", "json", "--verbose", "slim", "web:1"]);
    const lines = err.split("\n").filter((line) => line.startsWith("{"));
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["job started", "slow \x1b[2J start", "job ended"]);
  });

  it("hands the engine's address from the flags and the environment on", async () => {
    let target: unknown;
    await winnow(["--host", "tcp://h:1", "--tls-verify", "--tls-cert-path", "/c", "slim", "web:1"], {
      backend: {
        connectEngine: async (asked) => {
          target = asked;
          return {} as RunnerDeps["engine"];
        },
      },
    });
    expect(target).toEqual({ host: "tcp://h:1", tls: undefined, tlsVerify: true, certPath: "/c", env: { HOME: home } });
  });

  it("has exit code 5 and leaves no job when the engine does not answer", async () => {
    const connectEngine = async () => {
      throw new WinnowError("docker.unavailable", "No engine answers at unix:///x.", "Start it.");
    };
    const { code, out, err } = await winnow(["slim", "web:1"], { backend: { connectEngine } });
    expect([code, out, err]).toEqual([5, "", "error: No engine answers at unix:///x.\nhint:  Start it.\n"]);
    expect(JSON.parse((await winnow(["jobs", "--json"])).out)).toEqual({ jobs: [] });
  });

  it("says an error as a document with --json", async () => {
    const slim = async () => {
      throw new WinnowError("result.not-smaller", "It is not smaller.", "Keep it.");
    };
    const { code, out } = await winnow(["slim", "--json", "web:1"], { backend: { slim } });
    expect(code).toBe(3);
    expect(JSON.parse(out)).toEqual({
      error: { code: "result.not-smaller", message: "It is not smaller.", hint: "Keep it." },
    });
  });

  it("goes on when the engine cannot be swept", async () => {
    const sweep = async () => {
      throw new Error("no right to list");
    };
    const { code, err } = await winnow(["slim", "web:1"], { backend: { sweep } });
    expect(code).toBe(0);
    expect(err).toContain("could not be removed (no right to list)");
  });
});

describe("a person at the terminal", () => {
  it.each(["SIGINT", "SIGTERM"])("cancels with %s: the job cleans up and is recorded", async (signal) => {
    const run = await winnow(["slim", "web:1"], {
      backend: {
        slim: (_request, deps) =>
          new Promise((_resolve, reject) => deps.signal.addEventListener("abort", () => reject(deps.signal.reason))),
      },
      during: ({ signals }) =>
        void setImmediate(function wait() {
          // As soon as the job listens.
          if (!signals.emit(signal)) setImmediate(wait);
        }),
    });
    expect(run).toMatchObject({ code: 130, exits: [] });
    expect(run.err).toContain("canceling");
    expect(JSON.parse((await winnow(["jobs", "--json"])).out)).toMatchObject({ jobs: [{ state: "canceled" }] });
  });

  it("ends the process at once with a second Ctrl-C", async () => {
    let world: World | undefined;
    const { exits } = await winnow(["slim", "web:1"], {
      during: (given) => {
        world = given;
      },
      backend: {
        slim: async (request, deps) => {
          world?.signals.emit("SIGINT");
          expect(deps.signal.aborted).toBe(true);
          world?.signals.emit("SIGINT");
          return await tinySlim(request, deps);
        },
      },
    });
    expect(exits).toEqual([130]);
  });

  it.each([
    ["signal", (world: World) => world.signals.emit("SIGUSR1")],
    ["enter", (world: World) => (world.stdin as PassThrough).write("\n")],
    ["enter", (world: World) => world.signals.emit("SIGUSR1")],
  ])("ends an observation that continues after %s", async (when, finish) => {
    let world: World | undefined;
    const { code } = await winnow(["slim", "web:1", "--continue-after", when], {
      during: (given) => {
        world = given;
      },
      backend: {
        slim: async (request, deps) => {
          if (world) finish(world);
          await deps.finishAsked;
          return await tinySlim(request, deps);
        },
      },
    });
    expect(code).toBe(0);
  });
});

describe("the other commands", () => {
  it("profile and info are done with exit code 0", async () => {
    const profile = await winnow(["profile", "web:1"], {
      backend: {
        slim: async (request, deps) => ({ ...(await tinySlim(request, deps)), slim: null, ratio: null, verdict: null }),
      },
    });
    expect(profile).toMatchObject({ code: 0 });
    expect(profile.out).not.toContain("times smaller");
    expect(await winnow(["info", "web:1"])).toMatchObject({ code: 0, out: "reference: web:1\nlayers: 2\n" });
    expect(JSON.parse((await winnow(["info", "web:1", "--json"])).out)).toEqual({ reference: "web:1", layers: 2 });
  });

  it("jobs lists them newest first, and a ratio beside its verdict", async () => {
    expect((await winnow(["jobs"])).out).toMatch(/No jobs yet/);
    await winnow(["slim", "web:1"]);
    await winnow(["info", "db:1"]);
    const lines = (await winnow(["jobs"])).out.split("\n");
    expect(lines[0]).toMatch(/^JOB +IMAGE +KIND +STATE +VERDICT +BEFORE → AFTER +RATIO +AGE$/);
    expect(lines[1]).toMatch(/^job_\w+ +db:1 +info +succeeded +- +- +- +\d+ s$/);
    expect(lines[2]).toMatch(/^job_\w+ +web:1 +slim +succeeded +verified +100 MiB → 10\.0 MiB +10\.0x +\d+ s$/);
    expect((await winnow(["jobs", "--limit", "1"])).out).not.toContain("web:1");
  });

  it("report shows a job again, by any part of its id that fits", async () => {
    const { job } = JSON.parse((await winnow(["slim", "--json", "web:1"])).out);
    for (const part of [job.id, job.id.slice(-5), "latest"]) {
      expect(JSON.parse((await winnow(["report", part, "--json"])).out).job.id).toBe(job.id);
    }
    const { code, out } = await winnow(["report", "latest"]);
    expect(code).toBe(0);
    expect(out).toMatch(/10\.0 times smaller, verified/);
    expect(out).toMatch(/files\.jsonl +\d+ B/);
  });

  it("report lists the files that were kept or removed, escaped, one on a line", async () => {
    await winnow(["slim", "web:1"]);
    expect((await winnow(["report", "latest", "--files", "kept"])).out.split("\n")).toEqual([
      "      0 B  /bin ← directory of /bin/app ← executed by scenario default",
      "  2.0 KiB  /bin/app ← executed by scenario default",
      String.raw`      0 B  /srv/caf\udce9 ← included by pattern /srv/**`,
      "",
    ]);
    const removed = (await winnow(["report", "latest", "--files", "removed"])).out;
    expect(removed).toContain(`${String.raw`     10 B  /usr/doc/\x1b[31mred  (no package)`}\n`);
    expect(removed).toContain(`${String.raw`      0 B  /srv/\u2028  (no package)`}\n`);
    const lines = (await winnow(["report", "latest", "--files", "removed", "--json"])).out.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).kept)).toEqual(Array(7).fill(false));
  });

  it("report tells what was kept by reason, what was removed by owner, and the application's size", async () => {
    const slim = async (request: JobRequest, deps: RunnerDeps) => ({
      ...(await tinySlim(request, deps)),
      removed: [
        { owner: "dpkg:perl", entries: 900, files: 800, bytes: 3 << 20 },
        { owner: null, entries: 1, files: 1, bytes: 10 },
      ],
      application: [{ path: "/app/\x1b", reason: "workdir", files: 12, bytes: 2048 }],
    });
    await winnow(["slim", "web:1"], { backend: { slim } });
    const { out } = await winnow(["report", "latest"]);
    expect(out).toContain("  kept, by reason\n    observed  90 entries  10.0 MiB\n");
    expect(out).toContain(
      "  removed, by owner\n    dpkg:perl   900 entries  3.0 MiB\n    no package  1 entry      10 B\n",
    );
    expect(out).toContain(`  application\n    ${String.raw`/app/\x1b`}  12 files  2.0 KiB  workdir\n`);
  });

  it("why tells the reason of an entry, by its path through links", async () => {
    await winnow(["slim", "web:1"]);
    const { code, out } = await winnow(["why", "latest", "/bin/../bin/app"]);
    expect([code, out.split("\n")[0]]).toEqual([0, "/bin/app ← executed by scenario default"]);
    expect(JSON.parse((await winnow(["why", "latest", "/bin/app", "--json"])).out)).toMatchObject({
      kept: true,
      sentence: "/bin/app ← executed by scenario default",
      chain: [{ kind: "executed", by: { kind: "scenario", name: "default" } }],
    });
  });

  it.each(["/srv/caf\udce9", String.raw`/srv/caf\udce9`, String.raw`/srv/caf\xe9`])(
    "why finds a name that is not UTF-8 by %j",
    async (path) => {
      await winnow(["slim", "web:1"]);
      const { code, out } = await winnow(["why", "latest", path]);
      expect([code, out.split("\n")[0]]).toEqual([0, String.raw`/srv/caf\udce9 ← included by pattern /srv/**`]);
    },
  );

  it("why of a removed entry has exit code 0, one of a path that the image does not have 2", async () => {
    await winnow(["slim", "web:1"]);
    const removed = await winnow(["why", "latest", "/srv/\u2028"]);
    expect(removed).toMatchObject({ code: 0, err: "" });
    expect(removed.out).toContain(String.raw`/srv/\u2028 was not kept`);
    const absent = await winnow(["why", "latest", "/bin/ap"]);
    expect(absent).toMatchObject({ code: 2, out: "" });
    expect(absent.err).toBe("error: /bin/ap is not in the image.\nhint:  Near it: /bin/app.\n");
    expect(JSON.parse((await winnow(["why", "latest", "/lib/x", "--json"])).out)).toMatchObject({
      error: { code: "entry.not-found", message: "/lib/x (it leads to /usr/lib/x) is not in the image." },
    });
  });

  it("report of a failed job tells why", async () => {
    const slim = async () => {
      throw new WinnowError("app.exited", "It ended with 1.", "Look at its log.");
    };
    expect(await winnow(["slim", "web:1"], { backend: { slim } })).toMatchObject({ code: 1 });
    const { code, out } = await winnow(["report", "latest"]);
    expect(code).toBe(0);
    expect(out).toContain("error: It ended with 1.\nhint:  Look at its log.");
    expect(JSON.parse((await winnow(["report", "latest", "--json"])).out)).toMatchObject({
      job: { state: "failed" },
      error: { code: "app.exited" },
    });
  });

  it("--remove-file-artifacts leaves the report, and no list of files", async () => {
    expect(await winnow(["slim", "web:1", "--remove-file-artifacts"])).toMatchObject({ code: 0 });
    expect(await winnow(["report", "latest"])).toMatchObject({ code: 0 });
    expect(await winnow(["report", "latest", "--files", "kept"])).toMatchObject({ code: 2, out: "" });
    expect(await winnow(["why", "latest", "/bin/app"])).toMatchObject({ code: 2, out: "" });
  });

  it("version and help end with 0", async () => {
    expect((await winnow(["version"])).out).toMatch(/^winnow \d+\.\d+\.\d+\n/);
    expect(JSON.parse((await winnow(["version", "--json"])).out)).toMatchObject({ reportSchema: 1 });
    const help = await winnow(["slim", "--help"]);
    expect(help.code).toBe(0);
    expect(help.out).toContain("--http-probe-cmd-file");
  });
});

describe("wrong usage", () => {
  it.each([
    [["slim", "--tga", "x", "web:1"], /unknown option '--tga'[\s\S]*--tag/],
    [["slmi", "web:1"], /unknown command 'slmi'[\s\S]*slim/],
    [["slim"], /missing required argument 'image'/],
    [["slim", "web:1", "ls"], /too many arguments[\s\S]*after `--`/],
    [["slim", "web:1", "--keep", "small"], /--keep "small"/],
    [["slim", "web:1", "--http-probe-cmd-file", "/nonexistent"], /--http-probe-cmd-file: ENOENT/],
    [["info", "web:1", "--tag", "x"], /unknown option '--tag'/],
    [["--log-level", "loud", "jobs"], /log-level/],
    [["jobs", "--limit", "0"], /--limit/],
    [["report", "nosuchjob"], /no job "nosuchjob"/],
    [["why", "nosuchjob", "/bin/app"], /no job "nosuchjob"/],
    [["why", "latest"], /missing required argument 'path'/],
    [[], /no command/],
  ])("%j has exit code 2 and says what is wrong", async (args, message) => {
    const { code, out, err } = await winnow(args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(message);
    expect(err).toMatch(/^error: /);
  });

  it("is a document with --json", async () => {
    const { code, out, err } = await winnow(["slim", "--json", "--tga", "x", "web:1"]);
    expect([code, err]).toEqual([2, ""]);
    expect(JSON.parse(out)).toMatchObject({
      error: { code: "request.invalid", message: expect.stringContaining("--tga") },
    });
  });
});

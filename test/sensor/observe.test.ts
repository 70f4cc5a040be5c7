import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseEvents, type SensorRun } from "#runner/sensor/events.ts";
import { docker, key, makeImage, type Outcome, removeAll, run, traced, untraced } from "./container.ts";

const sensor = new URL("../../sensor/build/sensor-amd64", import.meta.url).pathname;
const suite = new URL("../../sensor/build/robustness", import.meta.url).pathname;
const defaultCaps = "a80425fb";
const asRoot = ["--user", "0:0", "--cap-add", "SYS_ADMIN", "--cap-add", "SYS_PTRACE"];
/** What the launcher itself needs to give capabilities and users up, when the image's owner dropped them. */
const launcherCaps = ["SETPCAP", "SETUID", "SETGID"].flatMap((name) => ["--cap-add", name]);

/** Result lines of the suite that say something else than without the sensor. */
function differences(without: Outcome, withSensor: Outcome): string[] {
  const results = (outcome: Outcome) =>
    new Map(
      outcome.stdout.split("\n").flatMap((line): [string, string][] => {
        const [, name, result] = /^(\w+) (pass|fail|skip)/.exec(line) ?? [];
        return name !== undefined && result !== undefined ? [[name, result]] : [];
      }),
    );
  const reference = results(without);
  expect(reference.size).toBe(29);
  const other = results(withSensor);
  return [...reference]
    .flatMap(([name, result]) => (other.get(name) === result ? [] : [`${name} ${other.get(name)}`]))
    .sort();
}

let directory: string;

beforeAll(async () => {
  const made = await run("make", ["-C", new URL("../../sensor", import.meta.url).pathname, "all", "robustness"]);
  if (made.code !== 0) throw new Error(made.stderr);
  directory = await mkdtemp(join(tmpdir(), "winnow-sensor-"));
  await makeImage();
});

afterAll(async () => {
  await removeAll();
  await rm(directory, { recursive: true });
});

let runs = 0;

/** Runs a program under the sensor on this machine. */
async function observe(options: string[], argv: string[]): Promise<{ outcome: Outcome; seen: SensorRun }> {
  const name = `events-${runs++}`;
  const outcome = await run(
    sensor,
    ["observe", "--dir", directory, "--name", name, ...options, "--", ...argv],
    undefined,
    {
      WINNOW_SENSOR_KEY: key,
    },
  );
  // the tracer is not waited for by anyone: its end mark comes after the last of the processes has gone
  for (const until = Date.now() + 10_000; ; ) {
    const seen = parseEvents(await readFile(join(directory, name)), key);
    if (seen.complete || Date.now() > until) return { outcome, seen };
  }
}

describe("natively", () => {
  test.each([
    ["full", "bpf"],
    ["full", "rare"],
    ["nnp", "bpf"],
    ["nnp", "rare"],
  ])("programs notice nothing at level %s with the %s set, but for what is documented", async (level, set) => {
    const { outcome, seen } = await observe(["--level", level, "--set", set], [suite]);
    expect(differences(await run(suite, []), outcome)).toEqual([
      "app_ptrace fail",
      "clone3 fail",
      "io_uring fail",
      ...(level === "full" ? ["seccomp_notif fail"] : []),
      "seccomp_strict fail",
    ]);
    expect(seen).toMatchObject({ complete: true, level, counters: { unreadable: 0, lost: 0, malformed: 0 } });
    expect(seen.warnings.map(({ code }) => code).sort()).toEqual(["app-ptrace", "clone-untraced", "io-uring-refused"]);
    expect(seen.syscalls.map(({ arch, how }) => [arch, how])).toEqual([
      ["x86_64", set],
      ["i386", "rare"],
    ]);
  });

  test("the exit code is the application's own, and what cannot be executed is 126 or 127", async () => {
    expect((await observe([], [suite, "--exit", "42"])).outcome.code).toBe(42);
    expect((await observe([], ["/etc/passwd"])).outcome.code).toBe(126);
    expect((await observe([], ["/nonexistent"])).outcome.code).toBe(127);
    expect((await observe([], ["no-such-program-in-path"])).outcome).toMatchObject({
      code: 127,
      stderr: /not found in \$PATH/,
    });
  });

  test("a fault of the sensor itself is 125 and one line", async () => {
    const args = ["observe", "--dir", "/nonexistent", "--", suite];
    const failed = await run(sensor, args, undefined, { WINNOW_SENSOR_KEY: key });
    expect(failed).toMatchObject({ code: 125, stderr: "sensor: /nonexistent: No such file or directory\n" });
    expect(await run(sensor, args)).toMatchObject({
      code: 125,
      stderr: "sensor: WINNOW_SENSOR_KEY: Invalid argument\n",
    });
    expect((await run(sensor, ["observe", "--colour"])).stderr).toBe("sensor: --colour: Invalid argument\n");
  });

  test("links, interpreters and probes for missing files are seen", async () => {
    const { seen } = await observe([], ["/bin/sh", "-c", "cat /etc/hostname /nonexistent/file; ls / > /dev/null"]);
    const files = seen.files.map(({ kind, path, result }) => `${kind} ${path} ${result}`);
    expect(files).toEqual(
      expect.arrayContaining([
        "read /etc/hostname ok",
        "read /nonexistent/file noent",
        "list / ok",
        "write /dev/null virt",
      ]),
    );
    expect(seen.interpreters.some((path) => /\/ld-linux-x86-64\.so\.2$/.test(path))).toBe(true);
    expect(seen.links).toContainEqual({ path: "/lib64", target: "usr/lib64" });
    expect(seen.processes.map(({ argv }) => argv[0])).toEqual(["/bin/sh", "cat", "ls"]);
    expect(seen.complete).toBe(true);
  });
});

describe("in a container the application is what it would be without the sensor", () => {
  const state = ["/bin/subject", "run", "/bin/subject-suid", "state"];
  const cases: { name: string; engine: string[]; tracedEngine: string[]; options: string[] }[] = [
    { name: "as root", engine: [], tracedEngine: asRoot, options: ["--caps", defaultCaps, "--user", ""] },
    {
      name: "as a user by name",
      engine: ["--user", "app"],
      tracedEngine: asRoot,
      options: ["--caps", defaultCaps, "--user", "app", "--set-home"],
    },
    {
      name: "as a number without an entry, with an added group",
      engine: ["--user", "4711", "--group-add", "77"],
      tracedEngine: [...asRoot, "--group-add", "77"],
      options: ["--caps", defaultCaps, "--user", "4711", "--set-home"],
    },
    {
      name: "as user and group",
      engine: ["--user", "app:audio"],
      tracedEngine: asRoot,
      options: ["--caps", defaultCaps, "--user", "app:audio", "--set-home"],
    },
    {
      name: "as root without capabilities",
      engine: ["--cap-drop", "ALL"],
      tracedEngine: ["--cap-drop", "ALL", ...asRoot, ...launcherCaps],
      options: ["--caps", "0", "--user", ""],
    },
    {
      name: "with no-new-privileges",
      engine: ["--user", "app", "--security-opt", "no-new-privileges"],
      tracedEngine: [...asRoot, "--security-opt", "no-new-privileges"],
      options: ["--caps", defaultCaps, "--user", "app", "--set-home", "--no-new-privs"],
    },
    {
      name: "on a terminal, in a working directory",
      engine: ["--tty", "--workdir", "/srv"],
      tracedEngine: [...asRoot, "--tty", "--workdir", "/srv"],
      options: ["--caps", defaultCaps, "--user", ""],
    },
  ];

  test.each(cases)("$name", async ({ engine, tracedEngine, options }) => {
    for (const argv of [["/bin/subject"], state]) {
      const plain = await (await untraced({ engine, argv })).finish();
      const under = await traced({ engine: tracedEngine, sensor: options, argv });
      const outcome = await under.finish();
      // the tracer took a process id: the program that PID 1 runs comes one later
      const hidePid = (text: string) => text.replace(/^pid \d+ (?=.*ppid 1\b)/m, "pid N ");
      expect(hidePid(outcome.stdout)).toBe(hidePid(plain.stdout));
      expect(plain.stdout).toContain("NoNewPrivs");
      expect(outcome.code).toBe(plain.code);
      expect(await under.events()).toMatchObject({
        complete: true,
        level: "full",
        counters: { unreadable: 0, lost: 0 },
      });
    }
  });

  test("at level nnp, where nothing was added, only set-user-id programs and no_new_privs differ", async () => {
    const engine = ["--user", "app"];
    const plain = await (await untraced({ engine, argv: ["/bin/subject"] })).finish();
    const expected = plain.stdout.replace("NoNewPrivs:\t0", "NoNewPrivs:\t1");
    const dropping = await traced({
      engine: ["--user", "0:0"],
      sensor: ["--user", "app", "--set-home"],
      argv: ["/bin/subject"],
    });
    const asUser = await traced({ engine, argv: ["/bin/subject"], directoryOwner: 1000 });
    for (const under of [dropping, asUser]) {
      expect((await under.finish()).stdout).toBe(expected);
      expect(await under.events()).toMatchObject({
        complete: true,
        level: "nnp",
        counters: { unreadable: 0, lost: 0 },
      });
    }
  });

  test.each([
    ["root", [], asRoot, ["--caps", defaultCaps]],
    ["a user", ["--user", "app"], asRoot, ["--caps", defaultCaps, "--user", "app"]],
    [
      "root without capabilities",
      ["--cap-drop", "ALL"],
      ["--cap-drop", "ALL", ...asRoot, ...launcherCaps],
      ["--caps", "0"],
    ],
    [
      "a user at level nnp",
      ["--user", "app", "--security-opt", "no-new-privileges"],
      ["--user", "0:0", "--security-opt", "no-new-privileges"],
      ["--user", "app"],
    ],
  ])("the robustness suite as %s", async (_, engine, tracedEngine, options) => {
    const argv = ["/bin/robustness"];
    const plain = await (await untraced({ engine, argv })).finish();
    const under = await traced({ engine: tracedEngine, sensor: options, argv });
    // an engine's own profile refuses clone3 and strict mode already, and newer ones io_uring
    const allowed = ["app_ptrace fail", "io_uring fail", "seccomp_notif fail"];
    const found = differences(plain, await under.finish());
    expect(allowed).toEqual(expect.arrayContaining(found));
    expect(found).toContain("app_ptrace fail");
    expect((await under.events()).complete).toBe(true);
  });
});

describe("PID 1 ends as it would without the sensor", () => {
  const options = ["--caps", defaultCaps];
  const stop = async (id: string) => {
    const started = Date.now();
    await docker(["stop", "-t", "3", id]);
    return Date.now() - started;
  };

  test("with a handler for the stop signal", async () => {
    const under = await traced({ engine: asRoot, sensor: options, argv: ["/bin/subject", "wait-handler"] });
    await under.ready();
    await stop(under.id);
    expect(await under.exitCode()).toBe(5);
    expect(await under.events()).toMatchObject({ complete: true, signals: [{ signal: 15, how: "caught" }] });
  });

  test.each(["wait", "wait-ignore"])("without one (%s) it is killed after the engine's timeout", async (mode) => {
    const under = await traced({ engine: asRoot, sensor: options, argv: ["/bin/subject", mode] });
    await under.ready();
    expect(await stop(under.id)).toBeGreaterThan(2500);
    expect(await under.exitCode()).toBe(137);
    const how = mode === "wait" ? "uncaught" : "ignored";
    expect(await under.events()).toMatchObject({ complete: true, signals: [{ signal: 15, how }] });
  });

  test.each(["wait", "wait-ignore"])("or at once with --kill-uncaught (%s)", async (mode) => {
    const sensorOptions = [...options, "--kill-uncaught", "15"];
    const under = await traced({ engine: asRoot, sensor: sensorOptions, argv: ["/bin/subject", mode] });
    await under.ready();
    expect(await stop(under.id)).toBeLessThan(2500);
    expect(await under.exitCode()).toBe(137);
    expect((await under.events()).complete).toBe(true);
  });

  test("--kill-uncaught leaves a process with a handler alone", async () => {
    const sensorOptions = [...options, "--kill-uncaught", "15"];
    const under = await traced({ engine: asRoot, sensor: sensorOptions, argv: ["/bin/subject", "wait-handler"] });
    await under.ready();
    await stop(under.id);
    expect(await under.exitCode()).toBe(5);
  });

  test("its own deadly signals do nothing to it", async () => {
    const under = await traced({
      engine: asRoot,
      sensor: [...options, "--kill-uncaught", "15"],
      argv: ["/bin/subject", "raise"],
    });
    expect(await under.finish()).toMatchObject({ code: 0, stdout: "survived\n" });
  });

  test("a child left behind keeps nothing from ending", async () => {
    const under = await traced({ engine: asRoot, sensor: options, argv: ["/bin/subject", "leave"] });
    expect((await under.finish()).code).toBe(3);
    expect((await under.events()).complete).toBe(true);
  });

  test("a killed container keeps every event", async () => {
    const argv = ["/bin/subject", "run", "/bin/subject", "wait"];
    const under = await traced({ engine: asRoot, sensor: options, argv });
    await under.ready();
    expect((await under.events()).complete).toBe(false);
    await docker(["kill", under.id]);
    expect(await under.exitCode()).toBe(137);
    const seen = await under.events();
    expect(seen.complete).toBe(true);
    expect(seen.processes.map((each) => each.argv)).toEqual([argv, ["/bin/subject", "wait"]]);
  });
});

describe("in a container", () => {
  const options = ["--caps", defaultCaps];

  test("a program started by the engine's exec is observed and ends by itself", async () => {
    const under = await traced({ engine: asRoot, sensor: options, argv: ["/bin/subject", "wait"] });
    await under.ready();
    const program = (await docker(["inspect", "--format", "{{.Path}}", under.id])).trim();
    const inside = program.replace(/\/sensor$/, "");
    const args = ["exec", "--privileged=false", under.id, program, "observe", "--dir", inside, "--name", "second"];
    const outcome = await run("docker", [...args, ...options, "--", "/bin/subject", "open", "/srv/link", "/srv/none"]);
    expect(outcome).toMatchObject({ code: 0, stdout: "/srv/link opened\n/srv/none No such file or directory\n" });
    const leaving = await run("docker", [...args.slice(0, -1), "third", ...options, "--", "/bin/subject", "leave"]);
    expect(leaving.code).toBe(3);
    const seen = await under.events("second");
    expect(seen.complete).toBe(true);
    expect(seen.links).toContainEqual({ path: "/srv/link", target: "data" });
    expect(seen.files.map(({ path, result }) => `${path} ${result}`)).toEqual(
      expect.arrayContaining(["/srv/data ok", "/srv/none noent"]),
    );
    await docker(["kill", under.id]);
  });

  test("the sensor's own directory is never reported", async () => {
    const under = await traced({ engine: asRoot, sensor: options, argv: ["/bin/subject", "open", "/", "/proc/1/exe"] });
    await under.finish();
    const program = await docker(["inspect", "--format", "{{.Path}}", under.id]);
    const seen = await under.events();
    expect(seen.complete).toBe(true);
    expect(seen.files.filter(({ path }) => path.startsWith(program.replace(/\/sensor$/, "")))).toEqual([]);
    expect(seen.files).toContainEqual({ kind: "list", exe: "/bin/subject", path: "/", result: "ok" });
  });

  test("a script's interpreter is seen, and so is a process that became another user", async () => {
    const argv = ["/bin/subject", "switch", "1000", "/bin/script", "/srv/data"];
    const under = await traced({ engine: asRoot, sensor: options, argv });
    expect((await under.finish()).stdout).toContain("/srv/data opened");
    const seen = await under.events();
    expect(seen.interpreters).toEqual(["/bin/subject"]);
    expect(seen.counters).toMatchObject({ unreadable: 0, lost: 0 });
  });

  test("at level nnp a process that became another user is seen, and what is not seen of it is counted", async () => {
    const argv = ["/bin/subject", "switch", "1000", "/bin/subject", "open", "/srv/link"];
    const under = await traced({ engine: ["--user", "0:0"], argv });
    expect((await under.finish()).stdout).toBe("/srv/link opened\n");
    const seen = await under.events();
    expect(seen).toMatchObject({ complete: true, level: "nnp", counters: { lost: 0 } });
    expect(seen.links).toContainEqual({ path: "/srv/link", target: "data" });
    expect(seen.files.map(({ path }) => path)).toContain("/srv/data");
    expect(seen.counters.unreadable).toBeGreaterThan(0);
    expect(seen.warnings.map(({ code }) => code)).toContain("unreadable");
  });
});

import { describe, expect, test } from "vitest";
import { Scenario } from "#contract/job.ts";
import { anAnswer, aScenarioRun } from "../observation.builder.ts";
import type { ScenarioRun } from "../observation.ts";
import type { SensorRun } from "../sensor/events.ts";
import { isPlaceholder, showsNothing, wasExercised } from "./exercised.ts";
import { aRun } from "./select.builder.ts";

type Process = [pid: number, ppid: number, command: string];

const ranAs = (...processes: Process[]): SensorRun =>
  aRun([], {
    processes: processes.map(([pid, ppid, command]) => ({
      pid,
      ppid,
      exe: "/x",
      argv: command.split(" "),
      cut: false,
    })),
  });
const ended = { code: 0, how: "ended" } as const;
const killed = { code: 137, how: "killed" } as const;
const ran = (command: string, change: Partial<ScenarioRun> = {}) =>
  aScenarioRun({ ports: [], startMs: null, ending: ended, sensor: [ranAs([1, 0, command])], ...change });
const scenario = (change: object = {}) => [Scenario.parse(change)];

describe("a command that shows nothing by its end", () => {
  test.each([
    "sh",
    "bash",
    "/bin/bash -l",
    "-ash",
    "python3.11",
    "node",
    "php -a",
    "ruby /usr/bin/irb",
    "sleep infinity",
  ])("%s", (command) => {
    expect(isPlaceholder(ran(command))).toBe(true);
  });

  test.each(["sh /entry.sh", "bash -c true", "python3 -m http.server", "node server.js", "tail -f /log", "hello"])(
    "is not %s",
    (command) => {
      expect(isPlaceholder(ran(command))).toBe(false);
    },
  );

  test("is told by what an entry script or an init has started in the end", () => {
    const script = ranAs([1, 0, "sh /entry.sh bash"], [7, 1, "id"], [1, 0, "bash"]);
    const init = ranAs([1, 0, "/sbin/tini -- bash"], [2, 1, "/bin/bash"], [3, 2, "/usr/bin/id"]);
    const service = ranAs([1, 0, "tini -- node app.js"], [2, 1, "node app.js"], [3, 2, "sh"]);
    expect([script, init, service].map((sensor) => isPlaceholder({ sensor: [sensor] }))).toEqual([true, true, false]);
    expect(isPlaceholder({ sensor: [] })).toBe(false);
  });
});

describe("an image was exercised", () => {
  test("when a probe was answered, be it by an error of the server", () => {
    expect(wasExercised([aScenarioRun({ answers: [anAnswer({ status: 500 })] })], scenario())).toBe(true);
    expect(wasExercised([aScenarioRun({ answers: [anAnswer({ error: "ECONNRESET" })] })], scenario())).toBe(false);
  });

  test("when a command ended, unless that was a prompt that nobody talked to", () => {
    expect(wasExercised([ran("hello")], scenario())).toBe(true);
    expect(wasExercised([ran("bash")], scenario())).toBe(false);
    expect(wasExercised([ran("bash")], scenario({ stdin: "id" }))).toBe(true);
    expect(wasExercised([ran("bash", { scenario: "default.locale" })], scenario({ stdin: "id" }))).toBe(true);
  });

  test("when its HEALTHCHECK passed, not when it failed", () => {
    const health = { tries: 1, everyMs: 1, timeoutMs: 1 };
    const probe = { kind: "exec" as const, argv: ["c"], expectExit: 0, health };
    const checked = (exitCode: number) =>
      aScenarioRun({ answers: [anAnswer({ probe, target: "healthcheck", status: null, exitCode })] });
    expect([0, 1].map((code) => wasExercised([checked(code)], scenario()))).toEqual([true, false]);
  });

  test("by one of its scenarios for all of them", () => {
    const runs = [ran("bash"), ran("hello", { scenario: "tool" })];
    expect(wasExercised(runs, [...scenario(), ...scenario({ name: "tool" })])).toBe(true);
  });
});

describe("a start alone", () => {
  test("is all that a shell, a process that only waits and an unanswered server show", () => {
    const mute = aScenarioRun({ answers: [anAnswer({ error: "ECONNRESET" })] });
    for (const run of [ran("bash"), ran("sleep infinity", { ending: killed }), ran("daemon", { ending: killed }), mute])
      expect(showsNothing([run], scenario())).toBe(true);
    expect(showsNothing([ran("hello")], scenario())).toBe(false);
  });

  test("is not what a person asked to watch for a time, except when nothing could happen in it", () => {
    const watched = scenario({ finish: { kind: "quiet" } });
    expect(showsNothing([ran("worker", { ending: killed })], watched)).toBe(false);
    expect(showsNothing([ran("sleep 1d", { ending: killed })], watched)).toBe(true);
    expect(showsNothing([ran("worker", { ending: killed })], scenario({ finish: { kind: "probe-done" } }))).toBe(true);
  });
});

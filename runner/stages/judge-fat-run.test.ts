import { describe, expect, test } from "vitest";
import { Scenario } from "#contract/job.ts";
import { anAnswer, aScenarioRun as aRun } from "../observation.builder.ts";
import type { ScenarioRun } from "../observation.ts";
import { judgeFatRun } from "./judge-fat-run.ts";

const judged = (run: ScenarioRun, scenario: object = {}, isService = false) =>
  judgeFatRun(run, Scenario.parse(scenario), isService);
const ended = (code: number) => ({ code, how: "ended" }) as const;
const exec = (exitCode: number) =>
  anAnswer({ probe: { kind: "exec", argv: ["check"], expectExit: 0 }, target: "exec check", status: null, exitCode });

const idle = aRun({ ports: [], startMs: null, ending: { code: 137, how: "killed" } });
const silent = anAnswer({ status: null, error: "ECONNRESET" });

describe("a run is no measure when", () => {
  test("the command ended with another exit code than expected; its last words are in the message", () => {
    const run = aRun({ ending: ended(3), output: Buffer.from("one\ntwo\nno config\n") });
    expect(() => judged(run)).toThrow(/exit code 3, expected 0\..*no config/s);
    expect(() => judged(aRun({ ending: ended(0) }), { expectExit: 3 })).toThrow("exit code 0, expected 3");
  });

  test("probes were asked for and the command ended before anything listened", () => {
    const run = aRun({ ending: ended(0), ports: [] });
    expect(() => judged(run, { probes: [{ kind: "http", resource: "/" }] })).toThrow("before anything listened");
  });

  test("it neither listened nor ended, and the image or the scenario says that it listens", () => {
    expect(() => judged(idle, {}, true)).toThrow("Nothing listened");
    expect(() => judged(idle, { probes: [{ kind: "http", resource: "/" }] })).toThrow("Nothing listened");
    expect(() => judged(idle, { finish: { kind: "probe-done" } })).toThrow("Nothing listened");
  });

  test("a command that was executed failed", () => {
    expect(() => judged(aRun({ answers: [exec(1)] }))).toThrow("exec check ended with exit code 1, expected 0");
  });

  test("no probe at all was answered, and one of them was asked for", () => {
    const scenario = Scenario.parse({ probes: [{ kind: "http", resource: "/" }] });
    const [probe] = scenario.probes;
    const own = anAnswer({ probe, status: null, error: "ECONNRESET" });
    expect(() => judgeFatRun(aRun({ answers: [silent, own] }), scenario)).toThrow("No probe was answered");
    expect(judgeFatRun(aRun({ answers: [anAnswer(), own] }), scenario)).toMatchObject([{ code: "probe.no-answer" }]);
  });
});

describe("a run is a measure, with a warning, when", () => {
  test("it neither listened nor ended, and nobody said that it would", () => {
    expect(judged(idle)).toMatchObject([{ code: "app.idle", text: expect.stringContaining("--exec") }]);
    expect(judged(idle, { finish: { kind: "seconds", seconds: 1 } }, true)).toEqual([]);
  });

  test("no default probe was answered: its server may speak another language", () => {
    const both = [silent, anAnswer({ target: "http://:953/", status: null, error: "ECONNRESET" })];
    expect(judged(aRun({ answers: both }))).toMatchObject([
      { code: "probe.no-answer" },
      { code: "probe.no-answer" },
      { code: "probe.unanswered", text: expect.stringContaining("http://:80/, http://:953/") },
    ]);
  });

  test("an endpoint answered with an error status", () => {
    expect(judged(aRun({ answers: [anAnswer({ status: 401 })] }))).toMatchObject([{ code: "probe.not-exercised" }]);
  });

  test("the HEALTHCHECK failed", () => {
    const health = { tries: 1, everyMs: 1, timeoutMs: 1 };
    const probe = { kind: "exec" as const, argv: ["check"], expectExit: 0, health };
    const warnings = judged(aRun({ answers: [anAnswer({ probe, target: "healthcheck", status: null, exitCode: 1 })] }));
    expect(warnings).toMatchObject([{ code: "healthcheck.failed" }]);
  });
});

test("a command that ends as expected is a measure", () => {
  expect(judged(aRun({ ending: ended(7), ports: [] }), { expectExit: 7 })).toEqual([]);
});

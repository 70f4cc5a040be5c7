import { describe, expect, test } from "vitest";
import { Scenario } from "#contract/job.ts";
import type { Answer } from "#contract/report.ts";
import type { ScenarioRun } from "../observation.ts";
import { judgeFatRun } from "./judge-fat-run.ts";

const aRun = (change: Partial<ScenarioRun> = {}): ScenarioRun => ({
  scenario: "default",
  answers: [],
  discovered: [],
  ports: [80],
  startMs: 100,
  totalMs: 1000,
  ending: { code: 0, how: "stopped" },
  sensor: [],
  rawEvents: [],
  growth: [],
  output: Buffer.alloc(0),
  warnings: [],
  ...change,
});

const anAnswer = (change: Partial<Answer> = {}): Answer => ({
  scenario: "default",
  probe: { kind: "http", method: "GET", resource: "/", headers: [] },
  target: "http://:80/",
  status: 200,
  contentType: "text/plain",
  exitCode: null,
  bodyBytes: 0,
  bodySha256: "",
  bodySample: "",
  error: null,
  durationMs: 1,
  ...change,
});

const judged = (run: ScenarioRun, scenario: object = {}) => judgeFatRun(run, Scenario.parse(scenario));
const ended = (code: number) => ({ code, how: "ended" }) as const;
const exec = (exitCode: number) =>
  anAnswer({ probe: { kind: "exec", argv: ["check"], expectExit: 0 }, target: "exec check", status: null, exitCode });

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

  test("it neither listened nor ended, and the scenario did not say when to stop", () => {
    const run = aRun({ ports: [], ending: { code: 137, how: "killed" } });
    expect(() => judged(run)).toThrow("Nothing listened");
    expect(judged(run, { finish: { kind: "seconds", seconds: 1 } })).toEqual([]);
  });

  test("a command that was executed failed", () => {
    expect(() => judged(aRun({ answers: [exec(1)] }))).toThrow("exec check ended with exit code 1, expected 0");
  });

  test("no probe at all was answered", () => {
    const silent = anAnswer({ status: null, error: "ECONNRESET" });
    expect(() => judged(aRun({ answers: [silent] }))).toThrow("No probe was answered");
    expect(judged(aRun({ answers: [silent, anAnswer()] }))).toMatchObject([{ code: "probe.no-answer" }]);
  });
});

describe("a run is a measure, with a warning, when", () => {
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

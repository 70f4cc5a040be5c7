import { describe, expect, test } from "vitest";
import type { Answer } from "#contract/report.ts";
import type { KeepSet } from "../keep-set.ts";
import { anAnswer, aScenarioRun } from "../observation.builder.ts";
import type { Growth, ScenarioRun } from "../observation.ts";
import { parseIndex } from "../rootfs.ts";
import { parseEvents } from "../sensor/events.ts";
import { openQuestions, sizeBeforeEnd } from "./open-questions.ts";

const rootfs = parseIndex(
  [
    ["d", "755", "/"],
    ["f", "755", "/app"],
    ["f", "755", "/tool"],
    ["f", "755", "/run.sh"],
    ["f", "755", "/libx.so.1"],
    ["f", "644", "/data"],
    ["f", "644", "/late"],
    ["f", "755", "/removed"],
    ["f", "755", "/lib/mod.py"],
    ["f", "644", "/lib/__pycache__/mod.cpython-311.pyc"],
  ]
    .map(([type, mode, path]) => `${type}\t${mode}\t0\t0\t1\t0\t0\t1:1\t1\t-\t-\t${path}\t\n`)
    .join(""),
);
const kept: KeepSet = new Map(
  [...rootfs.keys()]
    .filter((path) => path !== "/removed")
    .map((path) => [path, { kind: "observed", by: "default" }] as const),
);
const record =
  "E\t0\t\nE\t1\t/app\nP\t1\t0\t1\t0\t/app\nP\t2\t1\t1\t0\tsh\t/run.sh\nF\tx\t0\t/app\tok\nF\tr\t1\t/data\tok\nF\tr\t1\t/lib/__pycache__/mod.cpython-311.pyc\tok\n";
const late = "F\tr\t1\t/late\tok\nF\tr\t1\t/data\tok\nF\ts\t1\t/nowhere\tnoent\n";

const answered = (resource: string, status: number | null): Answer =>
  anAnswer({
    probe: { kind: "http", method: "GET", resource, headers: [] },
    target: `http://:80${resource}`,
    status,
    contentType: null,
  });

const aRun = (change: Partial<ScenarioRun> = {}, events = record): ScenarioRun =>
  aScenarioRun({
    sensor: [parseEvents(Buffer.from(events), "0".repeat(32))],
    rawEvents: [Buffer.from(events)],
    ...change,
  });

const asked = (run: ScenarioRun, kind: string) =>
  openQuestions({ runs: [run], rootfs, kept }).filter((question) => question.kind === kind);

describe("an open question", () => {
  test("is each endpoint that answered with an error, with what could be done", () => {
    const answers = [
      answered("/", 200),
      answered("/in", 401),
      answered("/no", 404),
      answered("/no", 404),
      answered("/bad", 502),
      answered("/dead", null),
    ];
    expect(asked(aRun({ answers }), "endpoint").map(({ text }) => text)).toEqual([
      expect.stringMatching(/^http:\/\/:80\/in answered 401: .*credentials/),
      expect.stringMatching(/^http:\/\/:80\/no answered 404: nothing is there/),
      expect.stringMatching(/^http:\/\/:80\/bad answered 502: .*broken/),
    ]);
  });

  test("is each kept executable that never ran, neither as a program nor as a script or module", () => {
    expect(asked(aRun(), "executable").map(({ subject }) => subject)).toEqual(["/tool"]);
  });

  test("is what was still used for the first time when the run ended", () => {
    const growth: Growth[] = [
      { atMs: 2000, bytes: record.length },
      { atMs: 4000, bytes: record.length },
      { atMs: 5000, bytes: record.length + late.length },
    ];
    const [question] = asked(aRun({ growth }, record + late), "still-growing");
    expect(question?.text).toMatch(/^Scenario default: 1 files .* 5\.0 s, among them \/late\./);
    expect(asked(aRun({ growth: growth.slice(0, 2) }, record + late), "still-growing")).toEqual([]);
    expect(asked(aRun({}, record + late), "still-growing")).toEqual([]);
  });

  test("is not repeated without end", () => {
    const answers = Array.from({ length: 150 }, (_, n) => answered(`/${n}`, 404));
    const questions = asked(aRun({ answers }), "endpoint");
    expect([questions.length, questions.at(-1)?.text]).toEqual([101, "and 50 more."]);
  });
});

describe("the end of a run", () => {
  test("is its last tenth, at least a second, and not told in a short run", () => {
    const at = (...times: number[]) => times.map((atMs) => ({ atMs, bytes: atMs }));
    expect(sizeBeforeEnd(at(2000, 2500, 2900))).toBeUndefined();
    expect(sizeBeforeEnd(at(2000, 2500, 3000, 3400))).toBe(2000);
    expect(sizeBeforeEnd(at(2000, 17_000, 18_000, 18_500, 20_000))).toBe(18_000);
    expect(sizeBeforeEnd([])).toBeUndefined();
  });
});

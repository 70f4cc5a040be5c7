import type { Answer } from "#contract/report.ts";
import type { ScenarioRun } from "./observation.ts";

/** For tests: a service that listened on port 80 and was stopped. */
export const aScenarioRun = (change: Partial<ScenarioRun> = {}): ScenarioRun => ({
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

/** For tests: what `GET /` on port 80 answered. */
export const anAnswer = (change: Partial<Answer> = {}): Answer => ({
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

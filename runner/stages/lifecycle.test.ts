import { expect, test } from "vitest";
import { HttpProbe, Scenario } from "#contract/job.ts";
import type { ScenarioRun } from "../observation.ts";
import { conditionsOf, repeatable, under, wantsRestart } from "./lifecycle.ts";

const aRun = (discovered: HttpProbe[]): ScenarioRun => ({
  scenario: "default",
  answers: [],
  discovered,
  ports: [],
  startMs: null,
  totalMs: 0,
  ending: { code: 0, how: "ended" },
  sensor: [],
  rawEvents: [],
  growth: [],
  output: Buffer.alloc(0),
  warnings: [],
});

test("each lifecycle probe is one run more, a restart the second start of the first run", () => {
  const scenario = Scenario.parse({ lifecycle: ["reload", "restart", "locale", "reload"] });
  expect(wantsRestart(scenario)).toBe(true);
  expect(conditionsOf(scenario)).toEqual(["reload", "locale"]);
  expect(wantsRestart(Scenario.parse({ lifecycle: ["reload"] }))).toBe(false);
});

test("a run under a lifecycle probe has a name that no scenario has, and asks for none itself", () => {
  const scenario = Scenario.parse({ name: "web", env: ["A=1"], lifecycle: ["timezone", "locale"] });
  const { name, env, lifecycle } = under("timezone", scenario);
  expect({ env, lifecycle }).toEqual({ env: ["A=1", "TZ=Asia/Kathmandu"], lifecycle: [] });
  expect(Scenario.shape.name.safeParse(name).success).toBe(false);
  expect(under("locale", scenario).env).toEqual(["A=1", "LANG=de_DE.UTF-8", "LC_ALL=de_DE.UTF-8", "LANGUAGE=de"]);
  expect(under("reload", scenario)).toMatchObject({ name: "web.reload", env: ["A=1"] });
});

test("what is done again waits for nobody, and sends what was found without looking for it", () => {
  const found = HttpProbe.parse({ kind: "http", resource: "/found" });
  const scenario = Scenario.parse({
    finish: { kind: "signal" },
    probes: [{ kind: "http", resource: "/asked" }],
    crawl: {},
    apiSpecs: {},
  });
  const again = repeatable(scenario, aRun([found]));
  expect(again).toMatchObject({ finish: { kind: "probe-done" }, probes: [{ resource: "/asked" }, found] });
  expect([again.crawl, again.apiSpecs]).toEqual([undefined, undefined]);
  expect(repeatable(Scenario.parse({ finish: { kind: "timeout" } }), undefined).finish).toEqual({ kind: "timeout" });
});

test("an idle run is only glanced at again, one that was told when to end is not", () => {
  const idle = { ...aRun([]), startMs: null, ending: { code: 137, how: "killed" } as const };
  expect(repeatable(Scenario.parse({}), idle)).toMatchObject({ defaultProbe: false, finish: { kind: "seconds" } });
  expect(repeatable(Scenario.parse({}), { ...idle, startMs: 5 }).finish).toBeUndefined();
  expect(repeatable(Scenario.parse({}), { ...idle, ending: { code: 0, how: "ended" } }).finish).toBeUndefined();
  expect(repeatable(Scenario.parse({ finish: { kind: "quiet" } }), idle).finish?.kind).toBe("quiet");
});

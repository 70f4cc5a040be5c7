import { expect, test } from "vitest";
import { Scenario } from "#contract/job.ts";
import type { KeepSet } from "#runner/keep-set.ts";
import { heldOutSets, keepHash } from "./held-out-sets.ts";

const http = (resource: string, method = "GET") => ({ kind: "http", method, resource });
const aScenario = (scenario: object) => Scenario.parse(scenario);
const aKeepSet = (paths: Record<string, string>): KeepSet =>
  new Map(Object.entries(paths).map(([path, by]) => [path, { kind: "rule", by }]));

test("each probe is left out once, and the others stay in their order", () => {
  const sets = heldOutSets([aScenario({ probes: [http("/a"), http("/b", "POST"), http("/c")] })]);
  expect(sets.map(({ endpoint }) => endpoint)).toEqual(["GET /a", "POST /b", "GET /c"]);
  expect(sets.map(({ rest }) => rest?.probes.map((probe) => probe.kind === "http" && probe.resource))).toEqual([
    ["/b", "/c"],
    ["/a", "/c"],
    ["/a", "/b"],
  ]);
});

test("a scenario keeps all but its probe", () => {
  const [set] = heldOutSets([aScenario({ name: "web", env: ["A=b"], cmd: ["serve"], probes: [http("/a")] })]);
  expect(set?.scenario).toBe("web");
  expect(set?.rest).toEqual(aScenario({ name: "web", env: ["A=b"], cmd: ["serve"], probes: [] }));
});

test("the default probe does not bring back the page that is left out", () => {
  const [root, other] = heldOutSets([aScenario({ probes: [http("/"), http("/b")] })]);
  expect(root?.rest?.defaultProbe).toBe(false);
  expect(other?.rest?.defaultProbe).toBe(true);
  const [posted] = heldOutSets([aScenario({ probes: [http("/", "POST")] })]);
  expect(posted?.rest?.defaultProbe).toBe(true);
});

test("a scenario without probes is an endpoint as a whole", () => {
  const sets = heldOutSets([
    aScenario({ name: "web", probes: [http("/a")] }),
    aScenario({ name: "env", cmd: ["env"], expectExit: 0 }),
  ]);
  expect(sets.map(({ endpoint, scenario }) => [endpoint, scenario])).toEqual([
    ["GET /a", "web"],
    ["env", "env"],
  ]);
  expect(sets.map(({ rest }) => rest === undefined)).toEqual([false, true]);
});

test("the only command of a sample cannot be left out", () => {
  expect(heldOutSets([aScenario({ name: "only", expectExit: 0 })])).toEqual([]);
});

test("endpoints of one title are told apart", () => {
  const probes = [
    http("/jobs", "POST"),
    { kind: "exec", argv: ["ls", "-l"] },
    http("/jobs", "POST"),
    { kind: "tcp", send: "PING\r\n" },
  ];
  expect(heldOutSets([aScenario({ probes })]).map(({ endpoint }) => endpoint)).toEqual([
    "POST /jobs",
    "exec ls -l",
    "POST /jobs (2)",
    'tcp "PING\\r\\n"',
  ]);
});

test("keep sets of the same entries are one, whatever their order and reasons", () => {
  expect(keepHash(aKeepSet({ "/": "a", "/b": "a", "/a": "a" }))).toBe(
    keepHash(aKeepSet({ "/a": "other", "/b": "a", "/": "a" })),
  );
});

test("keep sets that differ in one entry are two", () => {
  expect(keepHash(aKeepSet({ "/a": "a", "/b": "a" }))).not.toBe(keepHash(aKeepSet({ "/a": "a" })));
  expect(keepHash(aKeepSet({ "/a": "", "/b": "" }))).not.toBe(keepHash(aKeepSet({ "/a\n/b": "" })));
});

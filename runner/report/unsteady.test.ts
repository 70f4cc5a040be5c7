import { expect, test } from "vitest";
import { aScenarioRun } from "../observation.builder.ts";
import { aRootfs, aRun } from "../stages/select.builder.ts";
import { unsteadyScenarios, unsteadyWarnings } from "./unsteady.ts";

const rootfs = aRootfs({ "/always": "x", "/first": "x", "/late": "x" });
const ran = (events: string[], change: Parameters<typeof aScenarioRun>[0] = {}) =>
  aScenarioRun({ sensor: [aRun(events)], ...change });

test("entries and ports of some runs only are told, with the runs", () => {
  const passes = [
    [ran(["read /always", "read /first", "read /made"])],
    [ran(["read /always"], { ports: [80, 81] })],
    [ran(["read /always", "read /late"], { ports: [80, 81] })],
  ];
  const unsteady = unsteadyScenarios(passes, rootfs);
  expect(unsteady).toEqual([
    {
      scenario: "default",
      entries: 2,
      paths: [
        { path: "/first", runs: [1] },
        { path: "/late", runs: [3] },
      ],
      ports: [{ port: 81, runs: [2, 3] }],
    },
  ]);
  expect(unsteadyWarnings(unsteady, 3)).toEqual([
    {
      code: "observation.unsteady",
      text: "The 3 runs of scenario default differed: 2 entries were used by some only, first /first (run 1); port 81 was open in run 2, 3 only.",
    },
  ]);
});

test("a port that is picked anew each time is told by its own number", () => {
  const passes = [40000, 40001].map((port) => [ran([], { ports: [40000], boundPorts: [port] })]);
  expect(unsteadyScenarios(passes, rootfs)).toMatchObject([
    {
      entries: 0,
      ports: [
        { port: 40000, runs: [1] },
        { port: 40001, runs: [2] },
      ],
    },
  ]);
});

test("runs that are alike, and a single one, are steady", () => {
  const run = ran(["read /always"]);
  expect(unsteadyScenarios([[run], [run]], rootfs)).toEqual([]);
  expect(unsteadyScenarios([[run]], rootfs)).toEqual([]);
});

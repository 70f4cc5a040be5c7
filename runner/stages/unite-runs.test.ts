import { expect, test } from "vitest";
import { anAnswer, aScenarioRun } from "../observation.builder.ts";
import { aRun } from "./select.builder.ts";
import { uniteRuns } from "./unite-runs.ts";

test("the first answers stand, and what any pass used is used", () => {
  const [one, two, three] = ["/one", "/two", "/three"].map((path) => aRun([`read ${path}`]));
  if (!one || !two || !three) throw new Error("there are three");
  const first = aScenarioRun({ sensor: [one], answers: [anAnswer({ status: 200 })], rawEvents: [Buffer.from("1")] });
  const again = aScenarioRun({ sensor: [two], answers: [anAnswer({ status: 500 })], rawEvents: [Buffer.from("2")] });
  const other = aScenarioRun({ scenario: "other", sensor: [three] });
  const united = uniteRuns([
    [first, other],
    [again, other],
  ]);
  expect(united.map(({ scenario, sensor }) => [scenario, sensor])).toEqual([
    ["default", [one, two]],
    ["other", [three, three]],
  ]);
  expect(united[0]?.answers).toEqual(first.answers);
  expect(united[0]?.rawEvents.map(String)).toEqual(["1", "2"]);
});

import { describe, expect, it } from "vitest";
import { type ChaosOutcome, type ChaosPlan, runChaos } from "./chaos.ts";
import { historyFaults, moves } from "./history.ts";
import { fakeClock } from "./service-process.ts";

const seed = Number(process.env.WINNOW_CHAOS_SEED ?? Date.now() % 1_000_000);
const jobs = Number(process.env.WINNOW_CHAOS_JOBS ?? 500);

const plan: ChaosPlan = {
  seed,
  runners: 50,
  jobs,
  chaosMs: jobs * 50,
  kills: jobs > 1_000 ? 10 : 3,
  clocks: [undefined],
  spoiling: { lost: 0.025, delayed: 0.015, doubled: 0.01, delayMs: 1_000 },
};

describe(`chaos, WINNOW_CHAOS_SEED=${seed}`, () => {
  it("ends every job once, whoever dies, freezes or is not heard", async () => {
    const outcome = await runChaos(plan);
    expectOrder(outcome, plan);
  }, 300_000);

  it.runIf(fakeClock())(
    "does so with a server whose clock is an hour wrong, now this way, now that",
    async () => {
      const wrong: ChaosPlan = { ...plan, seed: seed + 1, jobs: 80, chaosMs: 8_000, kills: 2, runners: 20 };
      wrong.clocks = ["+1h", "-1h", undefined];
      expectOrder(await runChaos(wrong), wrong);
    },
    120_000,
  );
});

function expectOrder(outcome: ChaosOutcome, plan: ChaosPlan): void {
  const { histories, submitted, sightings, faults } = outcome;
  console.log(`seed ${plan.seed}: ${describeRun(outcome)}`);
  expect(outcome.errors).toEqual([]);
  expect(outcome.stuck).toBe(0);
  expect(histories.flatMap(historyFaults)).toEqual([]);
  expect(histories.filter(({ job }) => moves[job.state].length > 0)).toEqual([]);
  // Nothing lost, and nothing twice: each submission that was answered is one row, and there is no other.
  expect(histories.map(({ job }) => job.id).sort()).toEqual([...submitted].sort());
  expect(new Set(submitted).size).toBe(plan.jobs);
  expect(sightings.flatMap((sighting) => contradiction(sighting, outcome))).toEqual([]);
  expect(outcome.integrity).toEqual({ integrity_check: "ok" });
  expect(outcome.exitCode).toBe(0);
  // That it was chaos at all.
  expect(faults.kills).toBe(plan.kills);
  expect(Math.min(faults.deaths, faults.pauses)).toBeGreaterThan(0);
  expect(countAttempts(outcome, "lost")).toBeGreaterThan(0);
  expect(countAttempts(outcome, "succeeded")).toBeGreaterThan(plan.jobs / 2);
  expect(sightings.some(({ kind }) => kind === "refused" || kind === "dropped")).toBe(true);
}

/** What a runner was told and the history does not tell. */
function contradiction(sighting: ChaosOutcome["sightings"][number], { histories }: ChaosOutcome): string[] {
  if (sighting.kind !== "finished") return [];
  const { jobId, attempt, state, runner } = sighting;
  const history = histories.find(({ job }) => job.id === jobId);
  const found = history?.attempts[attempt - 1];
  const isSo = state === "queued" ? found?.state === "failed" : found?.state === state && history?.job.state === state;
  return isSo ? [] : [`${runner} was told that attempt ${attempt} of ${jobId} is ${state}, and it is ${found?.state}`];
}

const countAttempts = ({ histories }: ChaosOutcome, state: string): number =>
  histories.flatMap(({ attempts }) => attempts).filter((attempt) => attempt.state === state).length;

function describeRun(outcome: ChaosOutcome): string {
  const { histories, faults, sightings, stuck } = outcome;
  const tally = (names: readonly string[]) => {
    const counts: Record<string, number> = {};
    for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  };
  return JSON.stringify({
    ...faults,
    stuck,
    jobs: tally(histories.map(({ job }) => job.state)),
    attempts: tally(histories.flatMap(({ attempts }) => attempts.map(({ state }) => state))),
    sightings: tally(sightings.map(({ kind }) => kind)),
  });
}

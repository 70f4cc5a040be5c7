import { apiClient } from "../service/api-client.ts";
import { between, seededRandom } from "../service/random.ts";
import { liveAsRunner, newIdentity, type Sighting } from "../service/simulated-runner.ts";

/** What a process of simulated runners is told, as JSON in its first argument. */
export type Crowd = {
  origin: string;
  registrationToken: string;
  name: string;
  runners: number;
  /** How long they work on a job, at least and at most, ms. */
  workMs: [number, number];
  /** Over how long they arrive, ms. */
  arriveMs: number;
};

/** What it tells at its end, after `joined` when all have a session. Times of sightings are milliseconds UTC. */
export type CrowdReport = { sightings: Sighting[]; errors: string[] };

// A process of its own: its parent measures, and what runners cost is not what is measured. It drains when told anything.
const crowd: Crowd = JSON.parse(process.argv[2] ?? "");
const sightings: Sighting[] = [];
const errors: string[] = [];
const drain = new AbortController();
let joined = 0;
process.once("message", () => drain.abort());

const random = seededRandom(1);
const lives = Array.from({ length: crowd.runners }, async (_, index) => {
  await new Promise((resolve) => setTimeout(resolve, (crowd.arriveMs * index) / crowd.runners));
  const options = {
    client: apiClient(crowd.origin),
    identity: newIdentity(`${crowd.name}-${index}`),
    registrationToken: crowd.registrationToken,
    slots: 1,
    random,
    workMs: () => between(random, ...crowd.workMs),
    outcome: () => ({ state: "succeeded" as const }),
    isTalkative: false,
    isFencing: true,
    see: (sighting: Sighting) => {
      sightings.push({ ...sighting, at: performance.timeOrigin + sighting.at });
      if (sighting.kind === "joined" && ++joined === crowd.runners) process.send?.("joined");
    },
  };
  await liveAsRunner(options, new AbortController().signal, drain.signal)
    .catch((thrown) => errors.push(String(thrown)))
    .finally(() => options.client.close());
});
await Promise.all(lives);
const report: CrowdReport = { sightings, errors };
process.send?.(report, () => process.disconnect());

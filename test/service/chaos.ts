import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { openDatabase } from "#api/db/open.ts";
import { type ApiClient, apiClient, pausable, type Spoiling, spoiled } from "./api-client.ts";
import { type History, moves, readHistories } from "./history.ts";
import { between, type Random, seededRandom } from "./random.ts";
import { type Clock, type ServiceProcess, startService } from "./service-process.ts";
import { type Identity, liveAsRunner, newIdentity, type Sighting } from "./simulated-runner.ts";
import { submitJobs } from "./submitters.ts";
import { issueTokens } from "./tokens.ts";

export type ChaosPlan = {
  seed: number;
  runners: number;
  jobs: number;
  /** How long jobs arrive and things go wrong, ms. */
  chaosMs: number;
  /** How often the server is killed in that time, and by what clocks it runs after each; the first is that of its first life. */
  kills: number;
  clocks: readonly (Clock | undefined)[];
  spoiling: Spoiling;
};

/** What became of it. `stuck` are the jobs that are not over three leases after the last fault. */
export type ChaosOutcome = {
  histories: History[];
  sightings: Sighting[];
  /** Ids of the jobs that the users were told of. */
  submitted: string[];
  stuck: number;
  faults: { kills: number; deaths: number; pauses: number; drains: number };
  /** Of the server, after SIGTERM at the end. */
  exitCode: number | null;
  integrity: unknown;
  /** What no runner may see: an answer that the protocol does not know, for one. */
  errors: unknown[];
};

const timings = {
  pollMs: 2_000,
  heartbeatMs: 700,
  leaseMs: 4_000,
  startWindowMs: 1_500,
  fenceMs: 2_500,
  abandonMs: 3_300,
  cancelGraceMs: 3_000,
  reapMs: 300,
  retryMs: 100,
  maxRetryMs: 1_000,
};
const pace = { retryMs: timings.retryMs, maxRetryMs: timings.maxRetryMs };

/** Jobs arrive while runners die, freeze and drain, the network spoils calls, and the server is killed; then all is well again. */
export async function runChaos(plan: ChaosPlan): Promise<ChaosOutcome> {
  const random = seededRandom(plan.seed);
  const service = await startService({ timings, clock: plan.clocks[0] });
  const client = apiClient(service.origin);
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // one for each runner
  try {
    const [registrationToken = ""] = await issueTokens(client, service.adminToken, { scope: "runner", count: 1 });
    const crowd = makeCrowd(plan, { random, client, registrationToken, end: stop.signal });
    const restarts = killAgainAndAgain(service, plan, random);
    const trouble = crowd.trouble(plan.chaosMs);
    const network = { client: spoiled(client, plan.spoiling, random), random, timings: pace };
    const submitted = await submitJobs(network, { token: service.adminToken, jobs: plan.jobs, overMs: plan.chaosMs });
    const [kills] = await Promise.all([restarts, trouble]);
    const stuck = await untilOver(service, 3 * timings.leaseMs);
    stop.abort();
    await crowd.ended();
    const exitCode = await service.stop();
    return {
      ...readAll(service),
      submitted,
      sightings: crowd.sightings,
      stuck,
      exitCode,
      faults: { ...crowd.faults, kills },
      errors: crowd.errors,
    };
  } finally {
    stop.abort();
    client.close();
    await service.remove();
  }
}

async function killAgainAndAgain(service: ServiceProcess, plan: ChaosPlan, random: Random): Promise<number> {
  const everyMs = plan.chaosMs / (plan.kills + 1);
  for (let life = 1; life <= plan.kills; life++) {
    await delay(everyMs * between(random, 0.7, 1));
    await service.kill();
    await delay(between(random, 0, 1_000));
    await service.startAgain(plan.clocks[life % plan.clocks.length]);
  }
  return plan.kills;
}

type World = { random: Random; client: ApiClient; registrationToken: string; end: AbortSignal };

/** The runners of the plan, and what goes wrong with them. */
function makeCrowd({ runners, spoiling }: ChaosPlan, { random, client, registrationToken, end }: World) {
  const sightings: Sighting[] = [];
  const errors: unknown[] = [];
  const faults = { deaths: 0, pauses: 0, drains: 0 };
  const members = Array.from({ length: runners }, (_, index) => {
    const identity: Identity = newIdentity(`runner-${index}`);
    const process = pausable(spoiled(client, spoiling, random));
    const options = {
      client: process,
      identity,
      registrationToken,
      slots: 1 + (index % 3),
      random,
      workMs: () => between(random, 50, 1_500),
      outcome: () => (random() < 0.1 ? imageFailed : { state: "succeeded" as const }),
      isTalkative: index % 3 === 0,
      isFencing: index % 4 !== 0,
      see: (sighting: Sighting) => sightings.push(sighting),
    };
    let death = new AbortController();
    let drain = new AbortController();
    const live = async () => {
      while (!end.aborted) {
        [death, drain] = [new AbortController(), new AbortController()];
        const life = AbortSignal.any([end, death.signal]);
        await liveAsRunner(options, life, drain.signal).catch((thrown) => life.aborted || errors.push(thrown));
        await delay(between(random, 100, 1_500), undefined, { signal: end }).catch(() => undefined);
      }
    };
    return {
      life: live(),
      die: () => death.abort(),
      drain: () => drain.abort(),
      freeze: () => process.pauseFor(timings.leaseMs * between(random, 0.5, 1.5)),
    };
  });
  return {
    sightings,
    errors,
    faults,
    /** For so long, about twice a second, and until those that froze go on. */
    trouble: async (ms: number) => {
      const frozen: Promise<void>[] = [];
      const until = performance.now() + ms;
      while (performance.now() < until) {
        await delay(between(random, 200, 800));
        const member = members[Math.floor(random() * members.length)];
        const fate = random();
        if (!member) continue;
        if (fate < 0.4) {
          faults.deaths++;
          member.die();
        } else if (fate < 0.8) {
          faults.pauses++;
          frozen.push(member.freeze());
        } else {
          faults.drains++;
          member.drain();
        }
      }
      await Promise.all(frozen);
    },
    ended: () => Promise.all(members.map(({ life }) => life)),
  };
}

const imageFailed = {
  state: "failed",
  error: { code: "image.not-found", message: "There is no such image.", hint: "Name another." },
} as const;

/** Waits until every job is over, for so long at most. Gives how many are not. */
async function untilOver(service: ServiceProcess, ms: number): Promise<number> {
  const until = performance.now() + ms;
  for (;;) {
    const { histories } = readAll(service);
    const open = histories.filter(({ job }) => moves[job.state].length > 0).length;
    if (open === 0 || performance.now() > until) return open;
    await delay(250);
  }
}

function readAll({ database }: ServiceProcess): { histories: History[]; integrity: unknown } {
  const db = openDatabase(database, { readonly: true });
  try {
    return { histories: readHistories(db), integrity: db.get("pragma integrity_check") };
  } finally {
    db.close();
  }
}

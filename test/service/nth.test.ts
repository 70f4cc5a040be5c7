import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "#api/db/open.ts";
import { Submitted } from "#contract/service/job-view.ts";
import { type ApiClient, apiClient, type Call } from "./api-client.ts";
import { historyFaults, readHistories } from "./history.ts";
import { seededRandom } from "./random.ts";
import { type ServiceProcess, startService } from "./service-process.ts";
import { liveAsRunner, newIdentity } from "./simulated-runner.ts";
import { issueTokens } from "./tokens.ts";

/** The calls of a runner that works on one job, in order; a second life opens a session instead. */
const calls = [
  "POST /runners",
  "POST /runner/claim",
  "POST /attempts/JOB/1/start",
  "POST /attempts/JOB/1/progress",
  "PATCH /attempts/JOB/1/log?offset=FIRST",
  "PATCH /attempts/JOB/1/log?offset=SECOND",
  "POST /attempts/JOB/1/artifacts",
  "PUT /attempts/JOB/1/artifacts/profile.json",
  "POST /attempts/JOB/1/artifacts/profile.json/commit",
  "POST /runner/heartbeat",
  "POST /attempts/JOB/1/finish",
];

const nameOf = ({ method, path }: Call): string =>
  `${method} ${path}`
    .replace(/job_[0-9a-z]+/, "JOB")
    .replace(/offset=0$/, "offset=FIRST")
    .replace(/offset=[1-9]\d*$/, "offset=SECOND");

/** Once, at the call of that name: the server is gone when it was handled, or while it is. */
function killedAt(client: ApiClient, service: ServiceProcess, name: string, moment: "handled" | "under way") {
  const seen = new Set<string>();
  let isDone = false;
  const kill = async () => {
    isDone = true;
    await service.kill();
    await service.startAgain();
  };
  const killing: ApiClient = {
    close: client.close,
    async call(call) {
      seen.add(nameOf(call));
      if (isDone || nameOf(call) !== name) return await client.call(call);
      const answered = client.call(call);
      if (moment === "handled") await answered;
      else void answered.catch(() => undefined);
      if (moment === "under way") await delay(1); // it is on its way, or just being worked on
      await kill();
      throw new Error("the server is gone");
    },
  };
  return { client: killing, seen, isDone: () => isDone };
}

describe("a server that is killed in a call of an attempt", () => {
  let service: ServiceProcess;
  let client: ApiClient;
  let registrationToken: string;
  beforeAll(async () => {
    service = await startService({ timings: { retryMs: 20, maxRetryMs: 200, heartbeatMs: 200, pollMs: 2_000 } });
    client = apiClient(service.origin);
    [registrationToken = ""] = await issueTokens(client, service.adminToken, { scope: "runner", count: 1 });
  });
  afterAll(async () => {
    client.close();
    await service.remove();
  });

  /** One runner, one job, and the server killed at that call. Gives the job's id and the calls that there were. */
  async function runOne(name: string, moment: "handled" | "under way") {
    const body = {
      request: {
        kind: "info",
        image: `nth.example/${encodeURIComponent(name + moment)}`.toLowerCase().replaceAll(/[^a-z/.]/g, "-"),
      },
    };
    const submitted = await client.call({ method: "POST", path: "/jobs", token: service.adminToken, body });
    const { id } = Submitted.parse(submitted.content).job;
    const killing = killedAt(client, service, name, moment);
    const drain = new AbortController();
    await liveAsRunner(
      {
        client: killing.client,
        identity: newIdentity("nth"),
        registrationToken,
        slots: 1,
        random: seededRandom(1),
        workMs: () => 450, // two heartbeats
        outcome: () => ({ state: "succeeded" }),
        isTalkative: true,
        isFencing: true,
        // Dropped: a heartbeat told it that the attempt is over before the repeated `finish` did.
        see: ({ kind }) => (kind === "finished" || kind === "dropped") && drain.abort(),
      },
      AbortSignal.timeout(60_000),
      drain.signal,
    );
    return { id, seen: killing.seen, isKilled: killing.isDone() };
  }

  function historyOf(id: string) {
    const db = openDatabase(service.database, { readonly: true });
    const history = readHistories(db).find(({ job }) => job.id === id);
    db.close();
    if (!history) throw new Error(`no job ${id}`);
    return history;
  }

  it("is tried in every call that there is", async () => {
    const { seen } = await runOne("no call", "handled");
    expect([...seen].sort()).toEqual([...calls].sort());
  });

  describe.each(["handled", "under way"] as const)("that is %s", (moment) => {
    it.each(calls)("changes nothing for the job: %s", async (name) => {
      const { id, isKilled } = await runOne(name, moment);
      expect(isKilled).toBe(true);
      const history = historyOf(id);
      expect(historyFaults(history)).toEqual([]);
      expect(history.job).toMatchObject({ state: "succeeded", attempt: 1, errorCode: null });
      expect(history.artifacts.map((artifact) => artifact.name).sort()).toEqual(["job.log", "profile.json"]);
      expect(history.events.map(({ detail }) => detail.state ?? detail.stage)).toEqual([
        "queued",
        "running",
        "started",
        "succeeded",
      ]);
    });
  });
});

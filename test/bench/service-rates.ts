import { randomUUID } from "node:crypto";
import { openDatabase, writing } from "#api/db/open.ts";
import { submitJob } from "#api/db/submit-job.ts";
import { JobRequest } from "#contract/job.ts";
import { Claimed, Registered } from "#contract/service/runner-protocol.ts";
import { type Answer, apiClient } from "../service/api-client.ts";
import { unexpected } from "../service/insist.ts";
import { type ServiceProcess, startService } from "../service/service-process.ts";
import { issueTokens } from "../service/tokens.ts";
import { type Calls, saturate } from "./saturate.ts";

/** Connections that call at once: enough to keep one server process busy. */
const connections = 16;

export type Rate = { name: string; perSecond: number; calls: Calls };

/** How many of each call one server process answers in a second, each on a server and a database of its own. */
export async function measureRates({ ms }: { ms: number }): Promise<Rate[]> {
  return [
    await onServer((service) => submits(service, ms)),
    await onServer((service) => claims(service, ms, 1)),
    await onServer((service) => claims(service, ms, 16)),
    await onServer((service) => heartbeats(service, ms)),
    await onServer((service) => cycles(service, ms)),
  ];
}

/** The server's code is compiled while it runs: the first seconds are not what a server does all day. */
const warmUpMs = 3_000;

async function whenWarm(ms: number, call: (connection: number) => Promise<Answer>, begin = () => {}): Promise<Calls> {
  await saturate({ connections, ms: warmUpMs }, call);
  begin();
  return await saturate({ connections, ms }, call);
}

async function onServer<T>(measure: (service: ServiceProcess) => Promise<T>): Promise<T> {
  const service = await startService({ env: { WINNOW_LOG_LEVEL: "warn" } });
  try {
    return await measure(service);
  } finally {
    await service.remove();
  }
}

async function submits(service: ServiceProcess, ms: number): Promise<Rate> {
  const client = apiClient(service.origin, { connections });
  // Each token has a limit of its own, and the server as a whole is what is measured.
  const tokens = await issueTokens(client, service.adminToken, { scope: "submit", count: 40 });
  let index = 0;
  const calls = await whenWarm(ms, () => {
    const token = tokens[index % tokens.length] ?? "";
    const body = { request: { kind: "info", image: `bench.example/job-${index++}:1` } };
    return client.call({ method: "POST", path: "/jobs", token, body });
  });
  client.close();
  return { name: "submits", perSecond: good(calls, [201]) / calls.seconds, calls };
}

async function claims(service: ServiceProcess, ms: number, slots: number): Promise<Rate> {
  const waiting = (ms + warmUpMs) * (slots === 1 ? 3 : 8);
  await queue(service, waiting);
  const client = apiClient(service.origin, { connections });
  const runners = await register(service, { count: Math.ceil(waiting / 48), slots: 64 });
  const ids = new Set<string>();
  let index = 0;
  const calls = await whenWarm(
    ms,
    async () => {
      const token = runners[index++ % runners.length] ?? "";
      const body = { claimId: randomUUID(), slots };
      const answer = await client.call({ method: "POST", path: "/runner/claim", token, body });
      if (answer.status === 200) for (const { jobId } of Claimed.parse(answer.content).jobs) ids.add(jobId);
      return answer;
    },
    () => ids.clear(),
  );
  client.close();
  return { name: slots === 1 ? "claims" : `claims, ${slots} at a time`, perSecond: ids.size / calls.seconds, calls };
}

async function heartbeats(service: ServiceProcess, ms: number): Promise<Rate> {
  await queue(service, 200);
  const client = apiClient(service.origin, { connections });
  const runners = await register(service, { count: 200, slots: 1 });
  const held = await Promise.all(
    runners.map(async (token) => {
      const { jobId, attempt, lease } = await claimOne(client, token);
      return { token, body: { attempts: [{ jobId, attempt, lease }] } };
    }),
  );
  let index = 0;
  const calls = await whenWarm(ms, () => {
    const one = held[index++ % held.length] ?? { token: "" };
    return client.call({ method: "POST", path: "/runner/heartbeat", ...one });
  });
  client.close();
  return { name: "heartbeats", perSecond: good(calls, [200]) / calls.seconds, calls };
}

/** Whole lives of jobs: claim, start, finish. */
async function cycles(service: ServiceProcess, ms: number): Promise<Rate> {
  await queue(service, (ms + warmUpMs) * 2);
  const client = apiClient(service.origin, { connections });
  const runners = await register(service, { count: connections, slots: 1 });
  let done = 0;
  const calls = await whenWarm(
    ms,
    async (connection) => {
      const { jobId, attempt, token } = await claimOne(client, runners[connection] ?? "");
      const path = `/attempts/${jobId}/${attempt}`;
      await client.call({ method: "POST", path: `${path}/start`, token });
      const body = { outcome: { state: "succeeded" }, log: { bytes: 0, sha256: emptySha256 } };
      const answer = await client.call({ method: "POST", path: `${path}/finish`, token, body });
      if (answer.status === 200) done++;
      return answer;
    },
    () => {
      done = 0;
    },
  );
  client.close();
  return { name: "jobs (claim, start, finish)", perSecond: done / calls.seconds, calls };
}

const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

async function claimOne(client: ReturnType<typeof apiClient>, token: string) {
  const body = { claimId: randomUUID(), slots: 1 };
  const answer = await client.call({ method: "POST", path: "/runner/claim", token, body });
  const [job] = answer.status === 200 ? Claimed.parse(answer.content).jobs : [];
  if (!job) throw unexpected("a claim", answer);
  return job;
}

/** Fills the queue past the API, while the server is down: that is not what is measured. */
async function queue(service: ServiceProcess, count: number): Promise<void> {
  await service.stop();
  const db = openDatabase(service.database);
  writing(db, (tx) => {
    for (let index = 0; index < count; index++) {
      const request = JobRequest.parse({ kind: "info", image: `bench.example/job-${index}:1` });
      submitJob(tx, { request, now: Date.now() });
    }
  });
  db.close();
  await service.startAgain();
}

/** Tokens of new runners. */
async function register(
  service: ServiceProcess,
  { count, slots }: { count: number; slots: number },
): Promise<string[]> {
  const client = apiClient(service.origin, { connections });
  const [token = ""] = await issueTokens(client, service.adminToken, { scope: "runner", count: 1 });
  const engine = { version: "20.10", storage: "overlay2", kernel: "6.1", architectures: ["amd64"] };
  const tokens: string[] = [];
  for (let index = 0; index < count; index++) {
    const facts = { bootId: randomUUID(), version: "0.0.0", slots, engine };
    const body = { ...facts, name: `bench-${index}`, systemId: randomUUID() };
    const answer = await client.call({ method: "POST", path: "/runners", token, body });
    if (answer.status >= 300) throw unexpected("a registration", answer);
    tokens.push(Registered.parse(answer.content).token);
  }
  client.close();
  return tokens;
}

const good = ({ statuses }: Calls, wanted: readonly number[]): number =>
  wanted.reduce((sum, status) => sum + (statuses[status] ?? 0), 0);

import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { z } from "zod";
import { type ErrorCode, errors } from "#contract/error.ts";
import { JobRequest } from "#contract/job.ts";
import {
  ArtifactOffer,
  type AttemptAction,
  type ClaimedJob,
  ClaimRequest,
  Finish,
  Heartbeat,
  logNextHeader,
  maxLogChunkBytes,
  ProgressBatch,
  protocolHeader,
  Registration,
  Release,
  RunnerFacts,
  Source,
  type SourceAnswer,
} from "#contract/service/runner-protocol.ts";
import { Timings } from "#contract/service/timings.ts";

/** For tests: everything that takes seconds takes moments. */
export const quick = Timings.parse({
  pollMs: 200,
  heartbeatMs: 25,
  leaseMs: 1200,
  startWindowMs: 500,
  fenceMs: 500,
  abandonMs: 1000,
  logMs: 10,
  retryMs: 5,
  maxRetryMs: 40,
});

/**
 * What becomes of one call. `drop`: it is worked on, and its answer gets lost. `cut`: it never arrives. `garbage`: another server's
 * page. `hang`: no answer at all. A number: a problem document with this code's status; `delay`: late by so many milliseconds.
 */
export type Fate =
  | "answer"
  | "drop"
  | "cut"
  | "garbage"
  | "hang"
  | { code: ErrorCode; retryAfterMs?: number; logNext?: number }
  | { status: number }
  | { delayMs: number };

/** One call, as it came: `step` is what docs/service.md calls it, `claim`, `start`, `log`, `put`, ... */
export type Seen = { step: string; body: unknown; token: string; at: number };

type Job = { job: ClaimedJob; state: "queued" | "claimed" | "running" | "over"; claimId: string | null };

/** A server of the runner protocol on 127.0.0.1, with as much behind it as tests look at. Each request is checked against its schema. */
export class FakeServer {
  readonly seen: Seen[] = [];
  /** What was wrong with requests: a test that passes has none. */
  readonly faults: string[] = [];
  readonly log = new Map<string, Buffer>();
  readonly progress = new Map<string, unknown[]>();
  readonly artifacts = new Map<string, Buffer>();
  readonly finishes = new Map<string, Finish>();
  readonly releases: { jobId: string; release: Release }[] = [];
  readonly jobs: Job[] = [];
  timings = quick;
  /** Decides on each call; by default it is answered. `nth` counts the calls of this step from 1. */
  fate: (step: string, nth: number) => Fate = () => "answer";
  actions = new Map<string, AttemptAction>();
  runnerAction: "continue" | "drain" = "continue";
  source: SourceAnswer = { action: "work" };
  /** `foreign`: artifacts go to an address that is not the API's. */
  tickets: "own" | "foreign" = "own";
  readonly #offers = new Map<string, ArtifactOffer>();
  readonly #counts = new Map<string, number>();
  readonly #http = createServer((request, response) => void this.#serve(request, response));
  readonly #foreign = createServer((request, response) => void this.#store(request, response));

  async open(): Promise<this> {
    await Promise.all([listen(this.#http), listen(this.#foreign)]);
    return this;
  }

  async close(): Promise<void> {
    for (const server of [this.#http, this.#foreign]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`; // it listens on TCP
  }

  addJob(change: Partial<ClaimedJob> = {}): ClaimedJob {
    const jobId = change.jobId ?? `job_${randomUUID().replaceAll("-", "").slice(0, 20)}`;
    const request = JobRequest.parse({ image: "web:1" });
    const job = { jobId, attempt: 1, lease: 1, token: `watt_${jobId}`, request, force: false, ...change };
    this.jobs.push({ job, state: "queued", claimId: null });
    return job;
  }

  count(step: string): number {
    return this.#counts.get(step) ?? 0;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request).catch(() => Buffer.alloc(0));
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://x");
    const step = stepOf(request.method ?? "", pathname);
    const nth = this.count(step) + 1;
    this.#counts.set(step, nth);
    const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
    if (request.headers[protocolHeader] !== "1") this.faults.push(`${step}: no protocol version`);
    const json = request.headers["content-type"] === "application/json" ? JSON.parse(body.toString()) : undefined;
    this.seen.push({ step, body: json, token, at: performance.now() });
    const fate = this.fate(step, nth);
    if (fate === "cut") return void request.socket.destroy();
    if (fate === "hang") return;
    if (fate === "garbage") return void response.writeHead(200, { "content-type": "text/html" }).end("<h1>Hello</h1>");
    if (typeof fate === "object" && "code" in fate) return problem(response, fate.code, fate);
    if (typeof fate === "object" && "status" in fate) return void response.writeHead(fate.status).end("no");
    if (typeof fate === "object") await new Promise((resolve) => setTimeout(resolve, fate.delayMs));
    const answer = await this.#answer(step, { json, body, searchParams, pathname, token });
    if (fate === "drop") return void request.socket.destroy();
    if (response.destroyed) return;
    if ("code" in answer) return problem(response, answer.code, answer);
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
  }

  #read<T>(step: string, schema: z.ZodType<T>, json: unknown): T {
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    this.faults.push(`${step}: ${parsed.error.message}`);
    throw parsed.error;
  }

  async #answer(step: string, { json, body, searchParams, pathname, token }: Asked): Promise<Answer> {
    const session = { runnerId: "run_1", serverTime: 0, timings: this.timings };
    if (step === "register") {
      this.#read(step, Registration, json);
      return { status: 201, body: { ...session, token: "wrun_1" } };
    }
    if (step === "session") {
      this.#read(step, RunnerFacts, json);
      return { status: 200, body: session };
    }
    if (step === "claim") return await this.#claim(this.#read(step, ClaimRequest, json));
    if (step === "heartbeat") return this.#beat(this.#read(step, Heartbeat, json));
    const [, , , , jobId = "", , , name = ""] = pathname.split("/");
    const found = this.jobs.find(({ job }) => job.jobId === jobId);
    if (!found || token !== found.job.token) this.faults.push(`${step}: a token or a job that was never given out`);
    if (!found) return { code: "job.not-found" };
    return this.#attempt(step, found, { json, body, searchParams, name });
  }

  async #claim({ claimId, slots, waitMs }: ClaimRequest): Promise<Answer> {
    const until = performance.now() + Math.min(waitMs, this.timings.pollMs);
    for (;;) {
      const again = this.jobs.filter((one) => one.claimId === claimId && one.state === "claimed");
      const fresh = this.jobs.filter(({ state }) => state === "queued").slice(0, slots - again.length);
      for (const one of fresh) Object.assign(one, { state: "claimed", claimId });
      const given = [...again, ...fresh];
      if (given.length > 0) return { status: 200, body: { jobs: given.map(({ job }) => job) } };
      if (performance.now() > until) return { status: 204 };
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  #beat({ attempts }: Heartbeat): Answer {
    const answered = attempts.map(({ jobId, attempt }) => {
      const isOver = this.jobs.some(({ job, state }) => job.jobId === jobId && state === "over");
      return { jobId, attempt, action: this.actions.get(jobId) ?? (isOver ? "abandon" : "continue") };
    });
    return { status: 200, body: { attempts: answered, runner: this.runnerAction, leaseMs: this.timings.leaseMs } };
  }

  #attempt(
    step: string,
    found: Job,
    { json, body, searchParams, name }: Omit<Asked, "pathname" | "token"> & { name: string },
  ): Answer {
    const { jobId } = found.job;
    if (step === "release") {
      this.releases.push({ jobId, release: this.#read(step, Release, json) });
      found.state = "over";
      return { status: 204 };
    }
    if (step === "start") {
      found.state = "running";
      return { status: 200, body: { leaseMs: this.timings.leaseMs } };
    }
    if (step === "finish") return this.#finish(found, this.#read(step, Finish, json));
    if (found.state !== "running") return { code: "lease.lost" };
    if (step === "source") {
      this.#read(step, Source, json);
      return { status: 200, body: this.source };
    }
    if (step === "progress") return this.#progress(jobId, this.#read(step, ProgressBatch, json));
    if (step === "log") return this.#append(jobId, Number(searchParams.get("offset")), body);
    if (step === "artifacts") {
      const offer = this.#read(step, ArtifactOffer, json);
      this.#offers.set(`${jobId}/${offer.name}`, offer);
      return { status: 200, body: this.#ticket(jobId, offer) };
    }
    if (step === "put") {
      this.artifacts.set(`${jobId}/${name}`, body);
      return { status: 204 };
    }
    if (step === "commit") return this.#commit(`${jobId}/${name}`);
    this.faults.push(`${step}: nobody knows it`);
    return { code: "route.not-found" };
  }

  #ticket(jobId: string, { name, bytes }: ArtifactOffer): unknown {
    const own = `/api/v1/attempts/${jobId}/1/artifacts/${name}`;
    const foreign = `http://127.0.0.1:${(this.#foreign.address() as AddressInfo).port}/bucket/${jobId}/${name}?signature=1`; // as in url
    const url = this.tickets === "own" ? own : foreign;
    return { url, headers: { "x-size": String(bytes) }, expiresAt: Date.now() + 60_000 };
  }

  #commit(key: string): Answer {
    const offer = this.#offers.get(key);
    const stored = this.artifacts.get(key);
    const sha256 = createHash("sha256")
      .update(stored ?? "")
      .digest("hex");
    if (!stored || !offer || sha256 !== offer.sha256 || stored.length !== offer.bytes)
      return { code: "artifact.mismatch" };
    return { status: 204 };
  }

  #progress(jobId: string, { from, events }: ProgressBatch): Answer {
    const known = this.progress.get(jobId) ?? [];
    if (from > known.length) this.faults.push(`progress from ${from}, and ${known.length} are here`);
    known.push(...events.slice(known.length - from));
    this.progress.set(jobId, known);
    return { status: 200, body: { next: known.length } };
  }

  #append(jobId: string, offset: number, body: Buffer): Answer {
    if (body.length > maxLogChunkBytes) this.faults.push(`a chunk of ${body.length} bytes`);
    const known = this.log.get(jobId) ?? Buffer.alloc(0);
    if (offset > known.length) return { code: "log.gap", logNext: known.length };
    this.log.set(jobId, Buffer.concat([known, body.subarray(known.length - offset)]));
    return { status: 202, body: { next: this.log.get(jobId)?.length } };
  }

  #finish(found: Job, finish: Finish): Answer {
    const { jobId } = found.job;
    const before = this.finishes.get(jobId);
    if (before && JSON.stringify(before) !== JSON.stringify(finish)) this.faults.push("two ends of one attempt");
    if (!before && found.state !== "running") return { code: "lease.lost" };
    const log = this.log.get(jobId) ?? Buffer.alloc(0);
    if (log.length !== finish.log.bytes) return { code: "log.gap", logNext: log.length };
    if (createHash("sha256").update(log).digest("hex") !== finish.log.sha256)
      this.faults.push("another log than was sent");
    this.finishes.set(jobId, finish);
    found.state = "over";
    return { status: 200, body: { state: finish.outcome.state } };
  }

  /** The store behind foreign tickets: sees no token, and wants a length. */
  async #store(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const nth = this.count("store") + 1;
    this.#counts.set("store", nth);
    if (request.headers.authorization || request.headers[protocolHeader])
      this.faults.push("the token went to the store");
    if (request.headers["content-length"] !== request.headers["x-size"]) this.faults.push("no length for the store");
    const fate = this.fate("store", nth);
    if (fate === "cut") return void request.socket.destroy();
    if (typeof fate === "object" && "status" in fate) return void response.writeHead(fate.status).end("<Error/>");
    const [, , jobId = "", name = ""] = new URL(request.url ?? "/", "http://x").pathname.split("/");
    this.artifacts.set(`${jobId}/${name}`, body);
    if (fate === "drop") return void request.socket.destroy();
    response.writeHead(200).end();
  }
}

type Asked = { json: unknown; body: Buffer; searchParams: URLSearchParams; pathname: string; token: string };
type Answer = { status: number; body?: unknown } | { code: ErrorCode; logNext?: number };

function problem(
  response: ServerResponse,
  code: ErrorCode,
  { logNext, retryAfterMs }: { logNext?: number; retryAfterMs?: number },
) {
  const { status } = errors[code];
  const headers = {
    "content-type": "application/problem+json",
    ...(logNext === undefined ? {} : { [logNextHeader]: logNext }),
  };
  const about = {
    type: `/problems/${code}`,
    code,
    title: code,
    status,
    detail: `It said ${code}.`,
    hint: "Look.",
    instance: "/",
  };
  response.writeHead(status, headers).end(JSON.stringify({ ...about, requestId: "r", retryAfterMs }));
}

function stepOf(method: string, pathname: string): string {
  const parts = pathname.split("/").slice(3);
  if (parts[0] === "runners") return "register";
  if (parts[0] === "runner") return parts[1] ?? "";
  if (parts[5] === "commit") return "commit";
  return method === "PUT" ? "put" : (parts[3] ?? "");
}

const listen = (server: ReturnType<typeof createServer>): Promise<void> =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

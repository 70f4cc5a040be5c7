// For tests: a runner as the server sees it, one call at a time.
import { createHash, randomUUID } from "node:crypto";
import { expect } from "vitest";
import {
  Claimed,
  type ClaimedJob,
  type Finish,
  protocolHeader,
  Registered,
} from "#contract/service/runner-protocol.ts";
import { appUnderTest } from "../../app-under-test.ts";
import { aReport, aRequest } from "../../db/builders.ts";
import { submitJob } from "../../db/submit-job.ts";

export type Send = { token?: string; body?: unknown; bytes?: string | Uint8Array; headers?: Record<string, string> };

export const sha256Of = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
export const offerOf = (name: string, content: string | Uint8Array) => ({
  name,
  bytes: Buffer.byteLength(content),
  sha256: sha256Of(content),
});
export const logOf = (content: string) => ({ bytes: Buffer.byteLength(content), sha256: sha256Of(content) });

export const registrationOf = (name: string) => ({
  name,
  systemId: randomUUID(),
  bootId: randomUUID(),
  version: "0.1.0",
  labels: {},
  slots: 4,
  engine: { version: "27.0", storage: "overlay2", kernel: "6.1", architectures: ["amd64"] },
});

/** The report of a job, as its runner would send it. */
export const reportOf = (jobId: string) => JSON.stringify(aReport({ job: { ...aReport().job, id: jobId } }));

export const succeeded = (log = ""): Finish => ({ outcome: { state: "succeeded" }, log: logOf(log) });
export const failed = (code: "app.exited" | "docker.failed", log = ""): Finish => ({
  outcome: { state: "failed", error: { code, message: "It ended.", hint: "Look at its log." } },
  log: logOf(log),
});

type App = { request(path: string, init: RequestInit): Response | Promise<Response> };

/** Calls as a runner does. `line` is method and path below /api/v1, or a whole path of the API. */
export function senderTo(app: App) {
  return async (line: string, { token, body, bytes, headers }: Send = {}): Promise<Response> => {
    const [method = "", path = ""] = line.split(" ");
    return await app.request(path.startsWith("/api/") ? path : `/api/v1${path}`, {
      method,
      body: bytes ?? (body === undefined ? undefined : JSON.stringify(body)),
      headers: {
        [protocolHeader]: "1",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
    } as RequestInit); // lib.dom does not take every Uint8Array
  };
}

/** The app with a way to call it as runners do. */
export function protocolUnderTest(change: Parameters<typeof appUnderTest>[0] = {}) {
  const at = appUnderTest(change);
  const send = senderTo(at.app);
  const submit = (image = "web:1") => {
    const { id } = submitJob(at.db, { request: aRequest({ image }), now: at.clock.now });
    at.deps.queue.wake(id);
    return id;
  };
  const register = async (name = "host-1") => {
    const registration = registrationOf(name);
    const answer = await send("POST /runners", { token: at.tokenOf("runner"), body: registration });
    expect(answer.status).toBe(200);
    return { registration, ...Registered.parse(await answer.json()) };
  };
  const claim = async (token: string, slots = 1) => {
    const answer = await send("POST /runner/claim", { token, body: { claimId: randomUUID(), slots } });
    expect(answer.status).toBe(200);
    return Claimed.parse(await answer.json()).jobs;
  };
  /** An attempt of a new job that was started, with the calls that its token is good for. */
  const attempt = async (image?: string) => {
    submit(image);
    const runner = await register(`host-${randomUUID()}`);
    const [job] = await claim(runner.token);
    if (!job) throw new Error("nothing was claimed");
    const own = attemptCalls(send, job);
    expect((await own.post("start")).status).toBe(200);
    return { runner, job, ...own };
  };
  return { ...at, send, submit, register, claim, attempt };
}

export type ProtocolUnderTest = ReturnType<typeof protocolUnderTest>;

export function attemptCalls(send: (line: string, options?: Send) => Promise<Response>, job: ClaimedJob) {
  const { token } = job;
  const path = `/attempts/${job.jobId}/${job.attempt}`;
  const post = (call: string, body?: unknown) => send(`POST ${path}/${call}`, { token, body });
  const log = (offset: number | string, bytes: string | Uint8Array) =>
    send(`PATCH ${path}/log?offset=${offset}`, { token, bytes });
  const put = (name: string, bytes: string | Uint8Array) => send(`PUT ${path}/artifacts/${name}`, { token, bytes });
  /** Offers, sends and commits an artifact. */
  const store = async (name: string, content: string) => {
    expect((await post("artifacts", offerOf(name, content))).status).toBe(200);
    expect((await put(name, content)).status).toBe(204);
    expect((await post(`artifacts/${name}/commit`)).status).toBe(204);
  };
  return { path, post, log, put, store };
}

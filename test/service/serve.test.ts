import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { Submitted } from "#contract/service/job-view.ts";
import { Registered } from "#contract/service/runner-protocol.ts";
import { IssuedToken } from "#contract/service/token.ts";
import { bundled } from "./service-process.ts";

const root = mkdtempSync(join(tmpdir(), "winnow-serve-"));
afterAll(() => rmSync(root, { recursive: true }));
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

const place = () => join(mkdtempSync(join(root, "case-")), "state");

type Serving = { child: ChildProcess; url: string; token: string | undefined; said(): string; ended: Promise<unknown> };

/** Starts a server on a free port and waits until it says where it is. */
async function serve(statePath: string, env: Record<string, string> = {}): Promise<Serving> {
  const child = await spawned(statePath, env);
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (piece) => {
      said += piece;
    });
  const ended = once(child, "exit");
  const deadline = performance.now() + 60_000;
  while (!said.includes('"serving"')) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error(`no server: ${said}`);
    await delay(20);
  }
  const [, url = ""] = /^url +(\S+)$/m.exec(said) ?? [];
  const [, token] = /^token +(\S+)$/m.exec(said) ?? [];
  return { child, url, token, said: () => said, ended };
}

const onFreePort = ["serve", "--no-runner", "--listen", "127.0.0.1:0"];

async function spawned(statePath: string, env: Record<string, string>, argv = onFreePort): Promise<ChildProcess> {
  const whole = [await bundled(), ...argv, "--state-path", statePath];
  const child = spawn("setpriv", ["--pdeathsig", "KILL", process.execPath, ...whole], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: root, ...env },
  });
  children.push(child);
  return child;
}

const complaintOf = ({ stderr }: ChildProcess): Promise<string> => (stderr ? text(stderr) : Promise.resolve(""));

async function stopped({ child, ended }: Serving): Promise<number | null> {
  child.kill("SIGTERM");
  await ended;
  return child.exitCode;
}

const asked = (url: string, path: string, token: string | undefined, init: RequestInit = {}) =>
  fetch(`${url}/api/v1${path}`, {
    ...init,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...init.headers },
  });

describe("winnow serve", () => {
  it("keeps a state for its owner alone, and hands out an admin token once", async () => {
    const statePath = place();
    const first = await serve(statePath);
    expect(statSync(statePath).mode & 0o777).toBe(0o700);
    expect((await asked(first.url, "/tokens", first.token)).status).toBe(200);
    expect(await stopped(first)).toBe(0);
    const second = await serve(statePath);
    expect(second.token).toBeUndefined();
    expect((await asked(second.url, "/tokens", first.token)).status).toBe(200);
    expect(await stopped(second)).toBe(0);
  });

  it("says how to get an admin token until one was used: it may have been killed before it printed the first", async () => {
    const statePath = place();
    const hint = `winnow tokens add NAME --scope admin --state-path ${statePath}`;
    const first = await serve(statePath);
    expect(first.said()).not.toContain(hint);
    first.child.kill("SIGKILL");
    await first.ended;
    const second = await serve(statePath);
    expect(second.said()).toContain(hint);
    const add = await spawned(statePath, {}, ["tokens", "add", "me", "--scope", "admin"]);
    const [made] = await Promise.all([add.stdout ? text(add.stdout) : "", once(add, "exit")]);
    const [token] = /wapi_[A-Za-z0-9_-]{49}/.exec(made) ?? [];
    expect((await asked(second.url, "/tokens", token)).status).toBe(200);
    expect(await stopped(second)).toBe(0);
    const third = await serve(statePath);
    expect(third.said()).not.toContain(hint);
    expect(await stopped(third)).toBe(0);
  });

  it("is alone with its state, and takes over from one that was killed", async () => {
    const statePath = place();
    const first = await serve(statePath);
    const copy = join(root, "copy.db");
    expect(await once(await spawned(statePath, {}, ["backup", copy]), "exit")).toEqual([0, null]);
    for (const argv of [onFreePort, ["restore", copy]]) {
      const second = await spawned(statePath, {}, argv);
      const [complaint] = await Promise.all([complaintOf(second), once(second, "exit")]);
      expect(complaint).toContain(`in use by the server at ${first.url} (process ${first.child.pid})`);
      expect(second.exitCode).toBe(2);
    }
    first.child.kill("SIGKILL");
    await first.ended;
    expect(await stopped(await serve(statePath))).toBe(0);
  });

  it("names all faults of its settings, and starts nothing", async () => {
    const statePath = place();
    const child = await spawned(statePath, { WINNOW_RETENTION_DAYS: "soon", WINNOW_S3_BUCKET: "b" });
    const [complaint] = await Promise.all([complaintOf(child), once(child, "exit")]);
    expect(complaint).toMatch(/WINNOW_RETENTION_DAYS[\s\S]*WINNOW_S3_ENDPOINT[\s\S]*WINNOW_S3_BUCKET/);
    expect([child.exitCode, existsSync(statePath)]).toEqual([2, false]);
  });

  it("answers what waits and ends streams when it stops, and leaves one file of the database", async () => {
    const statePath = place();
    const server = await serve(statePath);
    const { url, token } = server;
    const body = JSON.stringify({ request: { image: "web:1" } });
    const { job } = Submitted.parse(await (await asked(url, "/jobs", token, { method: "POST", body })).json());
    const events = await asked(url, `/jobs/${job.id}/events`, token);
    const watched = events.text();
    const claim = await parkedClaim(url, token);
    const begun = performance.now();
    expect(await stopped(server)).toBe(0);
    expect(performance.now() - begun).toBeLessThan(15_000); // neither the poll of 25 s nor the stream's ten minutes
    expect(await watched).toContain("event: state");
    expect([204, 503]).toContain((await claim()).status);
    expect(existsSync(join(statePath, "winnow.db-wal"))).toBe(false);
    const database = new Database(join(statePath, "winnow.db"), { readonly: true });
    expect(database.prepare("select count(*) from jobs").pluck().get()).toBe(1);
    database.close();
  });

  it("lets a request at work end before it does", async () => {
    const server = await serve(place());
    const slow = slowSubmission(server);
    await slow.begun;
    const ended = stopped(server);
    await delay(300); // longer than a server with nothing to do takes
    expect(server.child.exitCode).toBeNull();
    slow.finish();
    expect(await slow.answer).toContain("201");
    expect(await ended).toBe(0);
  });

  it("ends at once at the second signal, and by itself when its time is up", async () => {
    const first = await serve(place());
    await slowSubmission(first).begun;
    first.child.kill("SIGTERM");
    await expect.poll(first.said).toContain("once more to stop at once");
    first.child.kill("SIGINT");
    await first.ended;
    expect(first.child.exitCode).toBe(130);

    const second = await serve(place(), { WINNOW_STOP_SECONDS: "1" });
    await slowSubmission(second).begun;
    expect(await stopped(second)).toBe(0);
    expect(second.said()).toContain("cut off");
  });
});

/** A claim that waits, since another has taken the only job. */
async function parkedClaim(url: string, token: string | undefined): Promise<() => Promise<Response>> {
  const issued = await asked(url, "/tokens", token, {
    method: "POST",
    body: JSON.stringify({ name: "r", scope: "runner" }),
  });
  const { token: registers } = IssuedToken.parse(await issued.json());
  const engine = { version: "27", storage: "overlay2", kernel: "6", architectures: ["riscv64"] };
  const facts = { bootId: crypto.randomUUID(), version: "0", labels: {}, slots: 1, engine };
  const headers = { "winnow-protocol": "1" };
  const registration = JSON.stringify({ ...facts, name: "r", systemId: crypto.randomUUID() });
  const registered = await asked(url, "/runners", registers, { method: "POST", headers, body: registration });
  const { token: own } = Registered.parse(await registered.json());
  const claim = () =>
    asked(url, "/runner/claim", own, {
      method: "POST",
      headers,
      body: JSON.stringify({ claimId: crypto.randomUUID(), slots: 1, waitMs: 25_000 }),
    });
  await claim();
  const waiting = claim();
  await delay(200);
  return () => waiting; // a promise in a promise would be waited for
}

/** A submission whose body comes when the test lets it. */
function slowSubmission({ url, token }: Serving) {
  const body = JSON.stringify({ request: { image: "web:2" } });
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  const headers = [
    "POST /api/v1/jobs HTTP/1.1",
    `host: 127.0.0.1:${port}`,
    `authorization: Bearer ${token}`,
    "content-type: application/json",
    `content-length: ${body.length}`,
    "expect: 100-continue", // answered when the server has the headers
    "\r\n",
  ];
  socket.on("error", () => {}); // a server that ends at once cuts it off
  socket.write(headers.join("\r\n"));
  return {
    begun: once(socket, "data"),
    finish: () => socket.write(body),
    get answer() {
      return once(socket, "data").then(String);
    },
  };
}

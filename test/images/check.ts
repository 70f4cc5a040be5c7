import { request } from "node:http";
import { createConnection } from "node:net";
import { type Duplex, PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type Docker from "dockerode";
import { extract, type Header } from "tar-stream";
import type { Check, Expectation, Sample, Step } from "./sample.ts";

export const label = "dev.winnow.test";
const labels = { [label]: "samples" };

/** How the check's connections get into a container. */
export type Transport = {
  /** What the container's host config needs for it. */
  hostConfig(port: number | null): Docker.HostConfig;
  /** Opens a TCP stream to a port inside the container; rejects (or ends at once) while nothing listens there. */
  connect(container: Docker.Container, port: number): Promise<Duplex>;
};

/** The default: the port is published on a free port of 127.0.0.1. Needs an engine on this machine, with a bridge. */
export const published: Transport = {
  hostConfig: (port) => (port ? { PortBindings: { [`${port}/tcp`]: [{ HostIp: "127.0.0.1", HostPort: "" }] } } : {}),
  async connect(container, port) {
    const { NetworkSettings } = await container.inspect();
    const hostPort = NetworkSettings.Ports[`${port}/tcp`]?.[0]?.HostPort;
    if (!hostPort) throw new Error(`port ${port} is not published (the container may have ended)`);
    return new Promise((resolve, reject) => {
      const socket = createConnection({ host: "127.0.0.1", port: Number(hostPort) });
      socket.once("error", reject).once("connect", () => resolve(socket.off("error", reject)));
    });
  },
};

export type CheckResult = {
  ok: boolean;
  /** `CHECK: STEP: what differs`, one per failed step. */
  failures: string[];
  /** Steps that were carried out, failed ones included. */
  steps: number;
  durationMs: number;
};

/**
 * Runs the functional check of a sample against one image: the fat one or what was made of it. All containers and
 * volumes are removed afterwards. A failed step ends its check, because later steps rest on it, but not the others.
 * Rejects only when the engine itself refuses to work.
 */
export async function checkSample(
  sample: Sample,
  image: string,
  docker: Docker,
  transport: Transport = published,
): Promise<CheckResult> {
  const began = Date.now();
  const run = { suffix: `${process.pid}-${began.toString(36)}-${Math.random().toString(36).slice(2, 8)}` };
  const failures: string[] = [];
  const volumes = new Set(sample.checks.flatMap((check) => Object.values(check.volumes)));
  let steps = 0;
  try {
    for (const name of volumes)
      await docker.createVolume({ Name: `winnow-test-${name}-${run.suffix}`, Labels: labels });
    for (const check of sample.checks) {
      const outcome = await runCheck(check, { sample, image, docker, transport, suffix: run.suffix });
      steps += outcome.steps;
      if (outcome.failure) failures.push(`${check.name}: ${outcome.failure}`);
    }
  } finally {
    for (const name of volumes) await docker.getVolume(`winnow-test-${name}-${run.suffix}`).remove({ force: true });
  }
  return { ok: failures.length === 0, failures, steps, durationMs: Date.now() - began };
}

type Setting = { sample: Sample; image: string; docker: Docker; transport: Transport; suffix: string };

async function runCheck(check: Check, setting: Setting): Promise<{ steps: number; failure?: string }> {
  const { sample, image, docker, transport, suffix } = setting;
  const container = await docker.createContainer({
    Image: image,
    Labels: labels,
    Env: check.env,
    ...(check.cmd && { Cmd: check.cmd }),
    ...(check.entrypoint && { Entrypoint: check.entrypoint }),
    ...(check.user && { User: check.user }),
    ...(check.stdin !== undefined && { OpenStdin: true, StdinOnce: true, AttachStdin: true }),
    ...(sample.port && { ExposedPorts: { [`${sample.port}/tcp`]: {} } }),
    HostConfig: {
      ...transport.hostConfig(sample.port),
      ReadonlyRootfs: check.readOnly,
      Binds: Object.entries(check.volumes).map(([at, name]) => `winnow-test-${name}-${suffix}:${at}`),
    },
  });
  let steps = 0;
  try {
    const stdin =
      check.stdin === undefined ? undefined : await container.attach({ stream: true, stdin: true, hijack: true });
    try {
      await within(60_000, container.start());
    } catch (error) {
      return { steps: 1, failure: `start: ${messageOf(error)}` };
    }
    stdin?.end(check.stdin ?? "");
    const memory = { values: new Map<string, string>(), ...(check.cookies && { cookies: new Map<string, string>() }) };
    const context = { container, docker, transport, port: sample.port, memory };
    const unready = check.ready && (await waitUntilReady(check.ready, check.readyMs, context));
    if (unready)
      return { steps: 1, failure: `never ready: ${unready}; logs: ${(await logsOf(container)).slice(-600)}` };
    for (const step of check.steps) {
      steps++;
      let failure: string | undefined;
      try {
        failure = await runStep(step, context);
        if ("restart" in step && check.ready) failure ??= await waitUntilReady(check.ready, check.readyMs, context);
      } catch (error) {
        failure = messageOf(error);
      }
      if (failure) return { steps, failure: `${titleOf(step)}: ${failure}` };
    }
    return { steps };
  } finally {
    // bounded: an engine can hang on one container while it serves all others
    await within(120_000, container.remove({ force: true, v: true }));
  }
}

/** What the HTTP steps of one check leave to those after them. */
type Memory = { values: Map<string, string>; cookies?: Map<string, string> };
type Context = {
  container: Docker.Container;
  docker: Docker;
  transport: Transport;
  port: number | null;
  memory: Memory;
};

async function waitUntilReady(step: Step, limitMs: number, context: Context): Promise<string | undefined> {
  const deadline = Date.now() + limitMs;
  let last: string | undefined = "not tried";
  while (Date.now() < deadline) {
    last = await runStep(step, context).catch(messageOf);
    if (last === undefined) return undefined;
    const { State } = await context.container.inspect();
    if (!State.Running) return `the container ended with exit code ${State.ExitCode}`;
    await sleep(150);
  }
  return last;
}

/** Carries out one step. Resolves to what differs from the expectation, or to undefined when nothing does. */
async function runStep(step: Step, context: Context): Promise<string | undefined> {
  const { container } = context;
  if ("http" in step) return runHttp(step, context);
  if ("exec" in step) return runExec(step, context);
  if ("tcp" in step) return differs(await askTcp(step, context), step);
  if ("logs" in step) return differs(await logsOf(container), step);
  if ("process" in step) return runProcess(step.process, container);
  if ("health" in step) return waitForHealth(step.withinMs, container);
  if ("file" in step) return runFile(step, container);
  if ("config" in step) return runConfig(step.config, container);
  if ("restart" in step) return within(90_000, container.restart({ t: step.graceSeconds })).then(() => undefined);
  if ("stop" in step) {
    await within(60_000, container.stop({ t: 20 }));
    const { ExitCode } = (await container.inspect()).State;
    return step.stop.includes(ExitCode)
      ? undefined
      : `stopped with exit code ${ExitCode}, expected ${step.stop.join(" or ")}`;
  }
  const waited: { StatusCode: number } = await within(60_000, container.wait());
  if (waited.StatusCode === step.exits) return undefined;
  return `exit code ${waited.StatusCode}, expected ${step.exits}: ${(await logsOf(container)).slice(-600)}`;
}

function titleOf(step: Step): string {
  if ("http" in step) return step.http;
  if ("exec" in step) return `exec ${step.exec.join(" ")}`;
  if ("file" in step) return `file ${step.file}`;
  return Object.keys(step)[0] ?? "step";
}

/** What distinguishes a text from the expected one; undefined when nothing does. */
function differs(actual: string, { contains, matches, equals }: Expectation): string | undefined {
  const shown = JSON.stringify(actual.length > 400 ? `${actual.slice(0, 400)}…` : actual);
  if (equals !== undefined && actual !== equals) return `${shown} is not ${JSON.stringify(equals)}`;
  const missing = contains?.find((part) => !actual.includes(part));
  if (missing !== undefined) return `${shown} does not contain ${JSON.stringify(missing)}`;
  if (matches && !matches.test(actual)) return `${shown} does not match ${matches}`;
  return undefined;
}

type HttpStep = Extract<Step, { http: string }>;
async function runHttp(step: HttpStep, { container, transport, port, memory }: Context): Promise<string | undefined> {
  const target = step.port ?? port;
  if (!target) throw new Error("a http step needs a port");
  const filled = (text: string) => text.replace(/\$\{(\w+)\}/g, (whole, name) => memory.values.get(name) ?? whole);
  const [method = "GET", path = "/"] = filled(step.http).split(" ");
  const cookie = [...(memory.cookies ?? [])].map(([name, value]) => `${name}=${value}`).join("; ");
  const own = Object.fromEntries(Object.entries(step.headers).map(([name, value]) => [name, filled(value)]));
  const socket = await within(10_000, transport.connect(container, target));
  try {
    const answer = await within(
      30_000,
      new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
        const headers = { host: `localhost:${target}`, connection: "close", ...(cookie && { cookie }), ...own };
        // A Duplex is all that node's client needs of a socket.
        const outgoing = request({ method, path, headers, createConnection: () => socket as never }, (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => chunks.push(chunk)).once("error", reject);
          incoming.once("end", () =>
            resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
          );
        });
        outgoing.once("error", reject).end(step.body === undefined ? undefined : filled(step.body));
      }),
    );
    const body = answer.body.toString("utf8");
    for (const line of [answer.headers["set-cookie"] ?? []].flat()) {
      const [, name = "", value = ""] = /^([^=;]+)=([^;]*)/.exec(String(line)) ?? [];
      memory.cookies?.set(name, value);
    }
    if (answer.status !== step.status) return `status ${answer.status}, expected ${step.status}: ${body.slice(0, 300)}`;
    const type = String(answer.headers["content-type"] ?? "");
    if (step.type && !type.startsWith(step.type)) return `content type ${type}, expected ${step.type}`;
    for (const [name, part] of Object.entries(step.sends)) {
      const value = String(answer.headers[name] ?? "");
      if (!value.includes(part)) return `header ${name} is ${JSON.stringify(value)}, expected ${JSON.stringify(part)}`;
    }
    if (step.minBytes && answer.body.length < step.minBytes)
      return `${answer.body.length} bytes, expected ${step.minBytes}`;
    for (const [name, pattern] of Object.entries(step.remembers)) {
      const found = pattern.exec(body)?.[1];
      if (found === undefined) return `nothing to remember as ${name} in ${JSON.stringify(body.slice(0, 400))}`;
      memory.values.set(name, found);
    }
    return differs(body, step);
  } finally {
    socket.destroy();
  }
}

type ExecStep = Extract<Step, { exec: string[] }>;
async function runExec(step: ExecStep, { container, docker }: Context): Promise<string | undefined> {
  const exec = await container.exec({
    Cmd: step.exec,
    AttachStdout: true,
    AttachStderr: true,
    ...(step.user && { User: step.user }),
  });
  const output = await within(30_000, readBoth(docker, await exec.start({})));
  const { ExitCode } = await exec.inspect();
  if (ExitCode !== step.exit) return `exit code ${ExitCode}, expected ${step.exit}: ${output.slice(0, 400)}`;
  return differs(output, step);
}

/** Standard output and standard error of an attached stream, in the order in which they came. */
async function readBoth(docker: Docker, stream: Duplex): Promise<string> {
  const both = new PassThrough();
  docker.modem.demuxStream(stream, both, both);
  stream.once("end", () => both.end()).once("close", () => both.end());
  return text(both);
}

type TcpStep = Extract<Step, { tcp: string }>;
async function askTcp(step: TcpStep, { container, transport, port }: Context): Promise<string> {
  const target = step.port ?? port;
  if (!target) throw new Error("a tcp step needs a port");
  const socket = await within(10_000, transport.connect(container, target));
  let answer = "";
  const complete = new Promise<void>((resolve, reject) => {
    socket.on("data", (part: Buffer) => {
      answer += part.toString("latin1");
      if (differs(answer, step) === undefined) resolve();
    });
    socket.once("error", reject).once("end", resolve);
  });
  try {
    // latin1, so that a sample can spell the bytes of a binary protocol
    socket.write(step.tcp, "latin1");
    await within(10_000, complete);
  } catch (error) {
    if (answer === "") throw error;
  } finally {
    socket.destroy();
  }
  if (answer === "") throw new Error("the connection ended without an answer");
  return answer;
}

/** The container's output so far, unwrapped from the engine's frames of eight bytes of header each. */
async function logsOf(container: Docker.Container): Promise<string> {
  const framed = await container.logs({ stdout: true, stderr: true, follow: false });
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= framed.length; ) {
    const size = framed.readUInt32BE(at + 4);
    parts.push(framed.subarray(at + 8, at + 8 + size));
    at += 8 + size;
  }
  return Buffer.concat(parts).toString("utf8");
}

async function runProcess(expected: { uid: number; gid: number }, container: Docker.Container) {
  const { State } = await container.inspect();
  // -n keeps the numbers: the names would be this machine's.
  const top: { Titles: string[]; Processes: string[][] } = await container.top({ ps_args: "-eo pid,uid,gid,args" });
  const first = top.Processes.find(([pid]) => Number(pid) === State.Pid);
  const actual = `${first?.[1]}:${first?.[2]}`;
  return actual === `${expected.uid}:${expected.gid}` ? undefined : `process 1 runs as ${actual}`;
}

async function waitForHealth(limitMs: number, container: Docker.Container): Promise<string | undefined> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const { Health } = (await container.inspect()).State;
    if (Health?.Status === "healthy") return undefined;
    if (!Health) return "the image has no health check";
    if (Date.now() > deadline) return `health is ${Health.Status}: ${Health.Log.at(-1)?.Output.slice(0, 300)}`;
    await sleep(200);
  }
}

/** Compares parts of the container's config, which is the image's where the check itself sets nothing. */
async function runConfig(expected: Record<string, unknown>, container: Docker.Container): Promise<string | undefined> {
  const actual: Record<string, unknown> = { ...(await container.inspect()).Config };
  for (const [key, value] of Object.entries(expected)) {
    const difference = missingFrom(actual[key], value);
    if (difference !== undefined) return `config ${key}: ${difference}`;
  }
  return undefined;
}

/** Arrays and objects must hold what is expected and may hold more: other labels, other variables. */
function missingFrom(actual: unknown, expected: unknown): string | undefined {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const absent = expected.find((item) => !actual.some((other) => isDeepStrictEqual(item, other)));
    return absent === undefined ? undefined : `${JSON.stringify(absent)} is not in ${JSON.stringify(actual)}`;
  }
  if (expected instanceof Object && actual instanceof Object) {
    const have = new Map(Object.entries(actual));
    const wrong = Object.entries(expected).find(([key, value]) => !isDeepStrictEqual(have.get(key), value));
    return wrong && `${wrong[0]} is ${JSON.stringify(have.get(wrong[0]))}, expected ${JSON.stringify(wrong[1])}`;
  }
  return isDeepStrictEqual(actual, expected)
    ? undefined
    : `${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`;
}

type FileStep = Extract<Step, { file: string }>;
async function runFile(step: FileStep, container: Docker.Container): Promise<string | undefined> {
  const archive = await container.getArchive({ path: step.file });
  const header = await within(30_000, firstHeader(archive));
  if (!header) return "the archive is empty";
  const mode = ((header.mode ?? 0) & 0o7777).toString(8);
  if (step.mode && mode !== step.mode) return `mode ${mode}, expected ${step.mode}`;
  if (step.uid !== undefined && header.uid !== step.uid) return `owner ${header.uid}, expected ${step.uid}`;
  if (step.gid !== undefined && header.gid !== step.gid) return `group ${header.gid}, expected ${step.gid}`;
  if (step.linksTo !== undefined && header.linkname !== step.linksTo) return `links to ${header.linkname}`;
  return undefined;
}

/**
 * The first header of a tar stream, whose rest is read and thrown away. An answer that is neither read to its end nor
 * cut off keeps the engine (20.10) writing with the container locked: inspect, logs and remove then wait for ever.
 */
async function firstHeader(archive: NodeJS.ReadableStream): Promise<Header | undefined> {
  let first: Header | undefined;
  const unpack = extract();
  archive.pipe(unpack);
  for await (const entry of unpack) {
    first ??= entry.header;
    entry.resume();
  }
  return first;
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const abort = new AbortController();
  const late = sleep(limitMs, undefined, { signal: abort.signal }).then(() => {
    throw new Error(`nothing came for ${limitMs / 1000} s`);
  });
  late.catch(() => undefined); // the loser of the race rejects too, when it is aborted
  try {
    return await Promise.race([work, late]);
  } finally {
    abort.abort();
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

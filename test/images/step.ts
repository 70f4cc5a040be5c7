import { type Duplex, PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { extract, type Header } from "tar-stream";
import { differs, missingFrom } from "./expectation.ts";
import type { Step } from "./sample.ts";
import { askTcp, runHttp } from "./talk.ts";
import type { Transport } from "./transport.ts";
import { within } from "./within.ts";

/** What the HTTP steps of one check leave to those after them. */
type Memory = { values: Map<string, string>; cookies?: Map<string, string> };
export type StepContext = {
  container: Docker.Container;
  docker: Docker;
  transport: Transport;
  port: number | null;
  memory: Memory;
};

/** Carries out one step. Resolves to what differs from the expectation, or to undefined when nothing does. */
export async function runStep(step: Step, context: StepContext): Promise<string | undefined> {
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

export function titleOf(step: Step): string {
  if ("http" in step) return step.http;
  if ("exec" in step) return `exec ${step.exec.join(" ")}`;
  if ("file" in step) return `file ${step.file}`;
  return Object.keys(step)[0] ?? "step";
}

type ExecStep = Extract<Step, { exec: string[] }>;
async function runExec(step: ExecStep, { container, docker }: StepContext): Promise<string | undefined> {
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

/** The container's output so far, unwrapped from the engine's frames of eight bytes of header each. */
export async function logsOf(container: Docker.Container): Promise<string> {
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

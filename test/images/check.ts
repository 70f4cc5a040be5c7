import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import type { Check, Sample, Step } from "./sample.ts";
import { logsOf, runStep, type StepContext, titleOf } from "./step.ts";
import { published, type Transport } from "./transport.ts";
import { within } from "./within.ts";

export const label = "dev.winnow.test";
const labels = { [label]: "samples" };

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

async function waitUntilReady(step: Step, limitMs: number, context: StepContext): Promise<string | undefined> {
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

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

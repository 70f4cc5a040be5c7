import {
  type Container,
  inspectContainer,
  killContainer,
  startAttached,
  waitForExit,
  withContainer,
} from "../docker/container.ts";
import { type GuardedPlace, type Subject, tracerEnder } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";

/** How long a killed container may take until something must hold it up, ms. */
const killedMs = 3_000;

/**
 * Ends an observed container that may still run, so that it can be removed. An application that stopped its tracer holds
 * up its own end, and the engine could wait for ever: then the tracer is killed from a container beside it. An aborted job
 * may call it.
 */
export async function endTarget(
  subject: Subject,
  place: GuardedPlace,
  target: Container,
  deps: JobDeps,
): Promise<void> {
  const { signal } = new AbortController();
  const container = { ...target, signal };
  if (!(await inspectContainer(container)).State.Running) return;
  // The engine answers when the container has ended, or says after ten seconds that it has not.
  const killing = killContainer(container, "SIGKILL").catch((error: unknown) => deps.log.warn({ error }, "not killed"));
  if (await endsWithin(container, killedMs)) return;
  deps.log.warn({ containerId: target.id }, "a killed container does not end: its tracer is stopped");
  await withContainer({ ...deps, signal }, tracerEnder(subject, place, target.id), async (helper) => {
    const { stdout, stderr, exited } = await startAttached(helper, { stdin: true, tty: false });
    stdout.resume();
    stderr.resume();
    await exited;
  });
  await Promise.all([endsWithin(container, killedMs), killing]);
}

async function endsWithin(container: Container, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const ended = waitForExit(container).then(() => true);
  return Promise.race([ended, late]).finally(() => clearTimeout(timer));
}

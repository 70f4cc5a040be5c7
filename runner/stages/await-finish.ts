import type { Finish, Scenario } from "#contract/job.ts";
import type { Container } from "../docker/container.ts";
import { fileSize, getFile } from "../docker/files.ts";
import { parseEvents } from "../sensor/events.ts";
import { isPlaceholder } from "./exercised.ts";
import type { SensorPlace } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";

type Waiting = {
  run: Scenario;
  /** Something listens, so the probes are what the observation is for. */
  listening: boolean;
  target: Container;
  place: SensorPlace;
  exited: Promise<unknown>;
  /** When the observation ends without fault, ms from now; undefined: somebody else ends it. */
  withinMs: number | undefined;
  deps: JobDeps;
};

/** What ends a scenario when it does not say: its probes when it has any use for them, its command otherwise. */
export const finishOf = (scenario: Scenario, listening: boolean): Finish => {
  if (scenario.finish) return scenario.finish;
  const probed = listening || scenario.probes.some((probe) => probe.kind === "exec");
  return probed ? { kind: "probe-done" } : { kind: "command-exit" };
};

/** Returns when the scenario's observation may end: as it asks, when its command ends, or when its time is over. */
export async function awaitFinish({ run, listening, target, place, exited, withinMs, deps }: Waiting): Promise<void> {
  const finish = finishOf(run, listening);
  if (finish.kind === "probe-done") return;
  if (run.finish === undefined && (await onlyWaits(target, place))) return;
  const over = new AbortController();
  const ends = [exited, aborted(deps.signal, over.signal)];
  if (withinMs !== undefined) ends.push(after(withinMs, over.signal));
  if (finish.kind === "seconds") ends.push(after(finish.seconds * 1000, over.signal));
  if (finish.kind === "signal") ends.push(deps.finishAsked);
  if (finish.kind === "quiet")
    ends.push(quiet(target, `${place.directory}/events`, finish.seconds * 1000, over.signal));
  try {
    await Promise.race(ends);
    deps.signal.throwIfAborted();
  } finally {
    over.abort();
  }
}

/** Whether the command, as far as the record goes, is one like `sleep infinity`: its end is nothing to wait for. */
async function onlyWaits(target: Container, place: SensorPlace): Promise<boolean> {
  // A record that cannot be read because it grows meanwhile is of a command that does something.
  const record = await getFile(target, `${place.directory}/events`).catch(() => undefined);
  return record !== undefined && isPlaceholder({ sensor: [parseEvents(record, place.key)] });
}

function after(ms: number, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    over.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });
}

function aborted(signal: AbortSignal, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true, signal: over }));
}

/** How often the size of the event file is looked at, ms. */
const lookMs = 250;

/** Returns when the event file has not grown for `quietMs`: no new file was touched in that time. */
export async function quiet(target: Container, path: string, quietMs: number, over: AbortSignal): Promise<void> {
  let size = -1;
  let sinceMs = performance.now();
  while (!over.aborted && performance.now() - sinceMs < quietMs) {
    await after(lookMs, over);
    const now = (await fileSize(target, path)) ?? -1;
    if (now !== size) sinceMs = performance.now();
    size = now;
  }
}

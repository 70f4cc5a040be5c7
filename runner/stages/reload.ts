import { type Container, killContainer } from "../docker/container.ts";
import { quiet } from "./await-finish.ts";
import type { SensorPlace } from "./instrument.ts";
import type { JobDeps } from "./job-deps.ts";

/** How long no new file was touched after a reload that is over, ms. Workers that start again look at their files at once. */
const settledMs = 750;

/** How long a reload may take, ms. */
const reloadMs = 15_000;

/** Sends SIGHUP to the main process and returns when it has settled, has ended, or takes too long. */
export async function reload(
  target: Container,
  place: SensorPlace,
  exited: Promise<unknown>,
  { signal }: Pick<JobDeps, "signal">,
): Promise<void> {
  await killContainer(target, "SIGHUP");
  const over = new AbortController();
  const ended = exited.then(() => over.abort());
  const timer = setTimeout(() => over.abort(), reloadMs);
  try {
    await Promise.race([
      ended,
      quiet(target, `${place.directory}/events`, settledMs, AbortSignal.any([over.signal, signal])),
    ]);
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

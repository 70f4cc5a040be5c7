import type { RunnerDeps } from "../deps.ts";

/** What the stages of one job have besides the runner's. */
export type JobDeps = RunnerDeps & {
  /** The sensor for this image's architecture. */
  sensor: Buffer;
  /** Takes clean-up that nobody has to wait for now; the job does not end before it has. */
  later(work: Promise<void>): void;
  /** Waits for what was left for later: an image cannot go while a container of it is still there. */
  settled(): Promise<void>;
};

/** Runs a job and waits for all that it left for later, whatever came of it. */
export async function withJob<T>(deps: RunnerDeps, sensor: Buffer, work: (job: JobDeps) => Promise<T>): Promise<T> {
  const pending: Promise<void>[] = [];
  const later = (cleanup: Promise<void>): void => {
    // A failed clean-up must not hide what the job found; the next start of this runner sweeps what is left.
    pending.push(cleanup.catch((error: unknown) => deps.log.warn({ error }, "something could not be removed")));
  };
  const settled = async (): Promise<void> => {
    await Promise.all(pending);
  };
  try {
    return await work({ ...deps, sensor, later, settled });
  } finally {
    await settled();
  }
}

import type { RunnerDeps } from "../deps.ts";

/** What the stages of one job have besides the runner's: the sensor for this image's architecture. */
export type JobDeps = RunnerDeps & { sensor: Buffer };

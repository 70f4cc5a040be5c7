import type { HttpProbe } from "#contract/job.ts";
import type { Answer, Warning } from "#contract/report.ts";
import type { SensorRun } from "./sensor/events.ts";

/** How the main process of a run came to its end. */
export type Ending = {
  /** The container's exit code; null when the engine did not say. */
  code: number | null;
  /** `ended` by itself, `stopped` by the stop signal, `killed` because it did not stop. */
  how: "ended" | "stopped" | "killed";
};

/** How long the sensor's record was at a moment after the probes began. */
export type Growth = { atMs: number; bytes: number };

/** One scenario, run once on one image. */
export type ScenarioRun = {
  scenario: string;
  answers: Answer[];
  /** Probes that were found by looking at answers (crawl, API specs); their answers are among `answers`. Later runs repeat them. */
  discovered: HttpProbe[];
  /** Listening TCP ports when the probes began, by the numbers that they had in the first run. */
  ports: number[];
  /** The same by their own numbers, when some were picked anew. */
  boundPorts?: number[];
  /** From the start of the container to readiness; null when nothing listened. */
  startMs: number | null;
  /** From the start of the container to its end. */
  totalMs: number;
  ending: Ending;
  /** The main process's events first, then those of each executed command. Empty when the sensor was not there. */
  sensor: SensorRun[];
  /** The same as the sensor wrote it. */
  rawEvents: Buffer[];
  /** Of the main process's record, until the order to stop. Empty for short runs, and for those of the slim image. */
  growth: Growth[];
  /** Standard output and error as they came, at most 4 MiB. */
  output: Buffer;
  warnings: Warning[];
};

/**
 * Whether the main process ends when it is asked to: then later runs ask too. False when it had no handler (as PID 1 it does
 * not even notice) or did not end within its stop timeout: waiting for that again would show nothing new.
 */
export const heedsStop = (run: ScenarioRun): boolean => run.ending.how !== "killed";

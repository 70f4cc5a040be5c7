import type { Answer, Warning } from "#contract/report.ts";
import type { SensorRun } from "./sensor/events.ts";

/** How the main process of a run came to its end. */
export type Ending = {
  /** The container's exit code; null when the engine did not say. */
  code: number | null;
  /** `ended` by itself, `stopped` by the stop signal, `killed` because it did not stop. */
  how: "ended" | "stopped" | "killed";
};

/** One scenario, run once on one image. */
export type ScenarioRun = {
  scenario: string;
  answers: Answer[];
  /** Listening TCP ports when the probes began. */
  ports: number[];
  /** From the start of the container to readiness; null when nothing listened. */
  startMs: number | null;
  /** From the start of the container to its end. */
  totalMs: number;
  ending: Ending;
  /** The main process's events first, then those of each executed command. Empty when the sensor was not there. */
  sensor: SensorRun[];
  /** The same as the sensor wrote it. */
  rawEvents: Buffer[];
  /** Standard output and error as they came, at most 4 MiB. */
  output: Buffer;
  warnings: Warning[];
};

/**
 * Whether the main process ends when it is asked to: then later runs ask too. False when it had no handler (as PID 1 it does
 * not even notice) or did not end within its stop timeout: waiting for that again would show nothing new.
 */
export const heedsStop = (run: ScenarioRun): boolean => run.ending.how !== "killed";

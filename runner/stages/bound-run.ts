import { setMaxListeners } from "node:events";
import { WinnowError } from "#contract/error.ts";
import { canceled } from "../docker/errors.ts";

/** What ends a run early. `signal` is the job's own, or one that aborts with the limit that was reached. */
export type RunBounds = {
  signal: AbortSignal;
  /** Milliseconds that are left of the scenario's time, 0 when it is over. */
  remainingMs(): number;
  /** The end may be waited for from here on: reaching it is no fault any more. */
  forgetTime(): void;
  /** A new time limit for what comes now, with the sentence of its end. */
  restart(ms: number, message: string): void;
  /** Ends the run with this error. */
  exceed(reason: unknown): void;
  /** `work`, or the reason as soon as the run is ended: for calls that take no signal. */
  race<T>(work: Promise<T>): Promise<T>;
  done(): void;
};

/** Starts the clock of one run. Call `done` when it has ended. */
export function boundRun(scenario: string, scenarioMs: number, job: AbortSignal): RunBounds {
  const endsAt = performance.now() + scenarioMs;
  const over = new AbortController();
  const { signal } = over;
  // Every call and stream of the run listens for its end; Node would take eleven of them for a leak.
  setMaxListeners(0, signal);
  let timer: NodeJS.Timeout | undefined;
  const forgetTime = () => clearTimeout(timer);
  const restart = (ms: number, message: string) => {
    forgetTime();
    const hint = "Give it more time (scenarioMs), or say when the observation may end (--continue-after).";
    timer = setTimeout(() => over.abort(new WinnowError("limit.exceeded", message, hint)), ms);
  };
  restart(scenarioMs, `The scenario "${scenario}" did not end within ${scenarioMs / 1000} s.`);
  const abort = () => over.abort(job.reason);
  job.addEventListener("abort", abort, { once: true });
  if (job.aborted) abort();
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(canceled(signal.reason)));
  });
  ended.catch(() => {});
  return {
    signal,
    remainingMs: () => Math.max(0, endsAt - performance.now()),
    forgetTime,
    restart,
    exceed: (reason) => over.abort(reason),
    race: (work) => Promise.race([work, ended]),
    done() {
      forgetTime();
      job.removeEventListener("abort", abort);
    },
  };
}

import type { Logger } from "pino";

export type Chore = {
  name: string;
  everyMs: number;
  /** Ends early when the signal says so. */
  run(signal: AbortSignal): Promise<unknown> | unknown;
};

/**
 * Does a chore again and again, never twice at a time; the pause is counted from its end. A fault is logged and the next turn
 * tries again. `stop` ends the pause, or waits for the turn that is at work.
 */
export function every({ name, everyMs, run }: Chore, log: Logger): { stop(): Promise<void> } {
  const ended = new AbortController();
  let turn: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    if (ended.signal.aborted) return;
    timer = setTimeout(() => {
      turn = work().finally(wait);
    }, everyMs).unref();
  };
  const work = async () => {
    try {
      await run(ended.signal);
    } catch (thrown) {
      log.error({ err: thrown, chore: name }, "a chore failed; it is tried again");
    }
  };
  wait();
  return {
    stop: async () => {
      ended.abort();
      clearTimeout(timer);
      await turn;
    },
  };
}

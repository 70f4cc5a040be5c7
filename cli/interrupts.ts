import { createInterface } from "node:readline";
import { errors } from "#contract/error.ts";
import type { World } from "./world.ts";

export type Interrupts = {
  /** Aborts at the first SIGINT or SIGTERM. */
  signal: AbortSignal;
  /** Resolves at SIGUSR1, and at Enter when that was asked for. */
  finishAsked: Promise<void>;
  stop(): void;
};

/**
 * How a person speaks to a job at work. The first Ctrl-C asks the job to clean up and end, the second ends the process at once;
 * its containers are swept by the next run.
 */
export function listenToInterrupts(
  { signals, stdin, exit }: Pick<World, "signals" | "stdin" | "exit">,
  { isEnterAwaited, say }: { isEnterAwaited: boolean; say(line: string): void },
): Interrupts {
  const controller = new AbortController();
  let finish = () => {};
  const finishAsked = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const onStop = () => {
    if (controller.signal.aborted) return exit(errors["job.canceled"].exit);
    say("canceling: cleaning up; once more to stop at once");
    controller.abort();
  };
  let isOver = false;
  const onFinish = () => {
    isOver = true;
    finish();
  };
  signals.on("SIGINT", onStop).on("SIGTERM", onStop);
  // Always listened to: without a listener this signal opens Node's debugger port.
  signals.on("SIGUSR1", onFinish);
  const lines = isEnterAwaited ? createInterface({ input: stdin }) : undefined;
  lines?.once("line", onFinish);
  lines?.once("close", () => {
    if (!isOver) say("standard input has ended, so there will be no Enter: send SIGUSR1 to finish the observation");
  });
  return {
    signal: controller.signal,
    finishAsked,
    stop: () => {
      isOver = true;
      lines?.close();
      signals.off("SIGINT", onStop).off("SIGTERM", onStop).off("SIGUSR1", onFinish);
    },
  };
}

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Ends a process that the test started, unless it has ended, and gives its exit code; null when the signal ended it. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
  return child.exitCode;
}

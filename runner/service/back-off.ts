import { setTimeout as sleep } from "node:timers/promises";
import type { Timings } from "#contract/service/timings.ts";
import { isWorthRetrying, Refusal } from "./refusal.ts";

export type Pace = Pick<Timings, "retryMs" | "maxRetryMs">;

/** The pause after the `failed`-th failure in a row (from 1), ± 20 % so that runners do not come back all at once. */
export function pauseAfter(failed: number, { retryMs, maxRetryMs }: Pace, random = Math.random): number {
  return Math.min(retryMs * 2 ** Math.min(failed - 1, 30), maxRetryMs) * (0.8 + 0.4 * random());
}

/** Waits, no less than the server asked for. Throws the signal's reason. */
export async function pause(ms: number, thrown: unknown, signal?: AbortSignal): Promise<void> {
  const asked = thrown instanceof Refusal ? (thrown.retryAfterMs ?? 0) : 0;
  await wait(Math.max(ms, Math.min(asked, longestAsked)), signal);
}

/** A server that asks for more is not believed, milliseconds. */
const longestAsked = 300_000;

export async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (thrown) {
    throw signal?.aborted ? signal.reason : thrown;
  }
}

/** Calls until it succeeds, fails for good, or the signal aborts; then throws the signal's reason. `onFailure` sees each failure. */
export async function retrying<T>(
  call: () => Promise<T>,
  { pace, signal, onFailure }: { pace: Pace; signal: AbortSignal; onFailure?(thrown: unknown): void },
): Promise<T> {
  for (let failed = 1; ; failed += 1) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      onFailure?.(thrown);
      if (!isWorthRetrying(thrown)) throw thrown;
      await pause(pauseAfter(failed, pace), thrown, signal);
    }
  }
}

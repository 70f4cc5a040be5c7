import { setTimeout as delay } from "node:timers/promises";
import type { Timings } from "#contract/service/timings.ts";
import type { Answer, ApiClient, Call } from "./api-client.ts";
import { between, type Random } from "./random.ts";

export type Pace = Pick<Timings, "retryMs" | "maxRetryMs">;

/**
 * Calls until the server answers with something final, with growing pauses: a call that failed or was answered with 408, 429 or
 * 5xx is made again, the same. Throws when the signal is aborted.
 */
export async function insist(
  { client, random, timings }: { client: ApiClient; random: Random; timings: Pace },
  call: Call,
  signal: AbortSignal,
): Promise<Answer> {
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted();
    const answer = await client.call({ ...call, signal }).catch(() => undefined);
    signal.throwIfAborted();
    if (answer && answer.status < 500 && answer.status !== 429 && answer.status !== 408) return answer;
    const pauseMs = Math.min(timings.retryMs * 2 ** tries, timings.maxRetryMs);
    await delay(pauseMs * between(random, 0.8, 1.2), undefined, { signal });
  }
}

export const unexpected = (what: string, { status, content }: Answer): Error =>
  new Error(`${what} was answered with ${status}: ${JSON.stringify(content)}`);

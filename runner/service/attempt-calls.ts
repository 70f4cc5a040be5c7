import type { z } from "zod";
import { WinnowError } from "#contract/error.ts";
import type { ClaimedJob } from "#contract/service/runner-protocol.ts";
import { type Pace, retrying } from "./back-off.ts";
import { ask, type Call, type Server, send, tell } from "./client.ts";
import type { Lease } from "./lease.ts";
import { Refusal } from "./refusal.ts";

/** What is said about one attempt: `path` is below its own. Every call repeats what is worth it, until `until` aborts. */
export type AttemptCalls = {
  ask<T>(call: AttemptCall, answer: z.ZodType<T>, until?: AbortSignal): Promise<T>;
  tell(call: AttemptCall, until?: AbortSignal): Promise<void>;
  /** One try. */
  once<T>(call: AttemptCall, answer: z.ZodType<T>, until?: AbortSignal): Promise<T>;
  tellOnce(call: AttemptCall, until?: AbortSignal): Promise<void>;
  /** One try to send bytes to a path of the server, with the attempt's token. */
  put(path: string, how: Pick<Call, "bytes" | "headers" | "timeoutMs" | "signal">): Promise<void>;
};

type AttemptCall = Omit<Call, "token" | "signal">;

/** Calls with the token of this attempt. One that the server refuses because the attempt is over loses the lease. */
export function attemptCalls(
  server: Server,
  { job, lease, pace }: { job: Pick<ClaimedJob, "jobId" | "attempt" | "token">; lease: Lease; pace: Pace },
): AttemptCalls {
  const base = `/api/v1/attempts/${encodeURIComponent(job.jobId)}/${job.attempt}`;
  const whole = ({ path, ...rest }: AttemptCall, signal: AbortSignal): Call => ({
    ...rest,
    path: base + path,
    token: job.token,
    signal,
  });
  const guarded = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (thrown) {
      if (isOver(thrown)) lease.lose(lostBy(thrown));
      throw thrown;
    }
  };
  const repeated = <T>(call: (signal: AbortSignal) => Promise<T>, until: AbortSignal): Promise<T> =>
    retrying(() => guarded(() => call(until)), { pace, signal: until });
  return {
    ask: (call, answer, until = lease.lost) => repeated((signal) => ask(server, whole(call, signal), answer), until),
    tell: (call, until = lease.lost) => repeated((signal) => tell(server, whole(call, signal)), until),
    once: (call, answer, until = lease.lost) => guarded(() => ask(server, whole(call, until), answer)),
    tellOnce: (call, until = lease.lost) => guarded(() => tell(server, whole(call, until))),
    put: (path, how) =>
      guarded(async () => {
        const response = await send(server, { ...how, method: "PUT", path, token: job.token });
        await response.body?.cancel().catch(() => {});
      }),
  };
}

/** 409: another has the lease. 401: the attempt's token has died with the attempt. */
const isOver = (thrown: unknown): thrown is Refusal =>
  thrown instanceof Refusal && (thrown.status === 409 || thrown.status === 401);

const lostBy = (refusal: Refusal): WinnowError =>
  refusal.code === "lease.lost"
    ? refusal
    : new WinnowError("lease.lost", refusal.message, "The job goes on elsewhere, or is over.", refusal);

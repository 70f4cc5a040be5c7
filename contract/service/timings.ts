import { z } from "zod";

/** All intervals of the runner protocol, milliseconds. The server sends them; a runner has none of its own. */
export const Timings = z.object({
  /** How long a claim waits for a job: below the 30 s after which common proxies give up. */
  pollMs: z.int().default(25_000),
  /** How often a runner tells that it lives. */
  heartbeatMs: z.int().default(15_000),
  /** How long a lease holds after a heartbeat. */
  leaseMs: z.int().default(60_000),
  /** A claim that is not confirmed by `start` within this time is taken back and does not count. */
  startWindowMs: z.int().default(20_000),
  /** Out of touch for so long, a runner begins nothing that others could see. */
  fenceMs: z.int().default(40_000),
  /** Out of touch for so long, it ends its jobs; always below `leaseMs`. */
  abandonMs: z.int().default(55_000),
  /** How long a canceled job may take to clean up before the server calls it canceled. */
  cancelGraceMs: z.int().default(90_000),
  /** How often logs and progress are sent. */
  logMs: z.int().default(2_000),
  /** How often leases are looked at by the server. */
  reapMs: z.int().default(5_000),
  /** First and longest pause after a call that failed; doubled in between, each ± 20 %. */
  retryMs: z.int().default(1_000),
  maxRetryMs: z.int().default(30_000),
  /** How long a job may wait in the queue. */
  queueMs: z.int().default(86_400_000),
});
export type Timings = z.infer<typeof Timings>;

import { z } from "zod";
import { JobId } from "./job-view.ts";
import { EngineFacts, Labels } from "./runner-protocol.ts";

/** `online`: heard of within a lease. `stale`: not for more than that. `offline`: not for five minutes. */
export const RunnerState = z.enum(["online", "draining", "stale", "offline"]);
export type RunnerState = z.infer<typeof RunnerState>;

export const RunnerView = z.object({
  id: z.string(),
  name: z.string(),
  state: RunnerState,
  labels: Labels,
  slots: z.int(),
  version: z.string(),
  engine: EngineFacts,
  registeredAt: z.int(),
  lastSeenAt: z.int(),
  diskFreeBytes: z.int().nullable(),
  /** Why it takes no jobs at present. */
  paused: z.string().nullable(),
  jobs: z.array(JobId),
});
export type RunnerView = z.infer<typeof RunnerView>;
export const RunnerList = z.object({ runners: z.array(RunnerView) });

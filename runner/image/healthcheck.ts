import type { ExecProbe } from "#contract/job.ts";
import type { ImageConfig } from "./source.ts";

/** The image's HEALTHCHECK as a command to execute; undefined when it has none or switched an inherited one off. */
export function healthProbe(config: ImageConfig): ExecProbe | undefined {
  const [form, ...words] = config.Healthcheck?.Test ?? [];
  if (words.length === 0 || (form !== "CMD" && form !== "CMD-SHELL")) return undefined;
  const argv = form === "CMD" ? words : [...(config.Shell ?? ["/bin/sh", "-c"]), words.join(" ")];
  return { kind: "exec", argv, expectExit: 0, health: patienceOf(config.Healthcheck ?? {}) };
}

/** Engines take nanoseconds; 0 and nothing mean their default (engine API, HealthConfig). */
const toMs = (nanoseconds: number | undefined, otherwiseMs: number): number =>
  nanoseconds ? Math.max(1, Math.round(nanoseconds / 1e6)) : otherwiseMs;

/** Nobody waits for a check between two seconds of a job, however long the engine would, ms. */
const longestPauseMs = 1000;

/** A start period is for slow machines; an application that listens has mostly started, ms. */
const longestStartMs = 30_000;

/** As often as the engine tries before it calls a container unhealthy, and throughout the start period, only quicker. */
function patienceOf({ Interval, Timeout, StartPeriod, Retries }: NonNullable<ImageConfig["Healthcheck"]>) {
  const everyMs = Math.min(toMs(Interval, 30_000), longestPauseMs);
  const startMs = Math.min(toMs(StartPeriod, 0), longestStartMs);
  return { tries: (Retries || 3) + Math.ceil(startMs / everyMs), everyMs, timeoutMs: toMs(Timeout, 30_000) };
}

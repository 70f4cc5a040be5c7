import type { StageTime } from "#contract/report.ts";
import type { RunnerDeps } from "../deps.ts";

/** Runs stages by name, tells whoever watches, logs one line for each, and remembers how long they took. */
export type StageTimer = {
  <T>(stage: string, work: () => Promise<T>, detail?: (result: T) => string): Promise<T>;
  times: StageTime[];
};

export function stageTimer({ progress, log, now, signal }: RunnerDeps): StageTimer {
  const times: StageTime[] = [];
  const run = async <T>(
    stage: string,
    work: () => Promise<T>,
    detail: (result: T) => string = () => "",
  ): Promise<T> => {
    signal.throwIfAborted();
    progress({ kind: "stage", stage, state: "started" });
    const startedAt = now();
    const result = await work();
    const durationMs = now() - startedAt;
    times.push({ stage, durationMs });
    log.info({ stage, durationMs }, "stage done");
    progress({ kind: "stage", stage, state: "done", durationMs, detail: detail(result) });
    return result;
  };
  return Object.assign(run, { times });
}

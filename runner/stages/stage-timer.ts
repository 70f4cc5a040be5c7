import { WinnowError } from "#contract/error.ts";
import type { StageTime } from "#contract/report.ts";
import type { RunnerDeps } from "../deps.ts";
import { engineError, throwIfAborted } from "../docker/errors.ts";

/** Runs stages by name, tells whoever watches, logs one line for each, and remembers how long they took. */
export type StageTimer = {
  <T>(stage: string, work: () => Promise<T>, detail?: (result: T) => string): Promise<T>;
  times: StageTime[];
};

export function stageTimer({ progress, log, now, signal, engine }: RunnerDeps): StageTimer {
  const times: StageTime[] = [];
  const run = async <T>(
    stage: string,
    work: () => Promise<T>,
    detail: (result: T) => string = () => "",
  ): Promise<T> => {
    throwIfAborted(signal);
    progress({ kind: "stage", stage, state: "started" });
    const startedAt = now();
    const result = await work().catch(async (thrown: unknown) => {
      throw await causeOf(thrown, stage, engine);
    });
    const durationMs = now() - startedAt;
    times.push({ stage, durationMs });
    log.info({ stage, durationMs }, "stage done");
    progress({ kind: "stage", stage, state: "done", durationMs, detail: detail(result) });
    return result;
  };
  return Object.assign(run, { times });
}

/** How long an engine may take to show that it is there. */
const answerMs = 5_000;

/** A stream of ours that broke tells nothing about the reason: when the engine has gone, that is it. */
async function causeOf(thrown: unknown, stage: string, { docker }: RunnerDeps["engine"]): Promise<unknown> {
  if (thrown instanceof WinnowError) return thrown;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer for ${answerMs / 1000} s`)), answerMs);
  });
  try {
    await Promise.race([docker.ping(), late]);
    return thrown;
  } catch (lost) {
    const { message, hint } = engineError(lost, `the stage "${stage}" was at work`);
    return new WinnowError("docker.unavailable", message, hint, thrown);
  } finally {
    clearTimeout(timer);
  }
}

import type { WaitReason } from "#contract/service/job-view.ts";
import { hasLabels, type Needs, type Offer, runsOn } from "./fits.ts";

export type WaitingJob = Pick<Needs, "needs" | "architecture"> & { runAfterAt: number };

/** Runners that are alike in what they offer and in what they do now. */
export type RunnersNow = Pick<Offer, "labels" | "architectures"> & {
  count: number;
  /** How many of them have fewer jobs than slots. */
  withRoom: number;
  isOnline: boolean;
  isDraining: boolean;
  paused: string | null;
  /** They gave the job back as unfit for them. */
  isUnfit: boolean;
};

/** Why a queued job was not handed out yet: the reason that would have to go first. `now` is milliseconds UTC. */
export function waitReason(job: WaitingJob, runners: RunnersNow[], now: number): WaitReason {
  if (job.runAfterAt > now) {
    return {
      code: "retry-at",
      text: `It rests after a failure and is tried again in ${inWords(job.runAfterAt - now)}.`,
    };
  }
  const online = runners.filter(({ isOnline }) => isOnline);
  if (online.length === 0) return { code: "no-runner", text: noneOnline(countOf(runners)) };
  const labelled = online.filter((runner) => hasLabels(job, runner));
  if (labelled.length === 0) {
    const wanted = Object.entries(job.needs).map(([label, value]) => `${label}=${value}`);
    return { code: "no-runner-with-labels", text: `No runner that is online has the labels ${wanted.join(", ")}.` };
  }
  const able = labelled.filter((runner) => runsOn(job, runner));
  if (able.length === 0) {
    return { code: "no-runner-for-architecture", text: `No runner that fits can run ${job.architecture} images.` };
  }
  const fitting = able.filter(({ isUnfit }) => !isUnfit);
  if (fitting.length === 0) return { code: "no-runner", text: "Every runner that fits has given it back as unfit." };
  return whatTheyDo(fitting);
}

function whatTheyDo(fitting: RunnersNow[]): WaitReason {
  const staying = fitting.filter(({ isDraining }) => !isDraining);
  if (staying.length === 0)
    return { code: "draining", text: "The runners that fit take no more jobs: they are draining." };
  const willing = staying.filter(({ paused }) => paused === null);
  const [first] = staying;
  if (willing.length === 0) return { code: "paused", text: `The runners that fit are paused: ${first?.paused}.` };
  if (willing.every(({ withRoom }) => withRoom === 0)) {
    return { code: "busy", text: `All ${countOf(willing)} runners that fit are busy.` };
  }
  return { code: "next", text: "It is among the next to be taken." };
}

const countOf = (runners: RunnersNow[]): number => runners.reduce((sum, { count }) => sum + count, 0);

function noneOnline(known: number): string {
  if (known === 0) return "No runner is registered.";
  return known === 1 ? "The only runner is not online." : `None of the ${known} runners is online.`;
}

function inWords(ms: number): string {
  return ms < 90_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.ceil(ms / 60_000)} min`;
}

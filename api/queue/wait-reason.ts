import type { WaitReason } from "#contract/service/job-view.ts";
import { fits, hasLabels, type Needs, type Offer, runsOn } from "./fits.ts";

export type WaitingJob = Needs & { runAfterAt: number };

/** A runner with what it does now. */
export type RunnerNow = Offer & {
  isOnline: boolean;
  isDraining: boolean;
  paused: string | null;
  slots: number;
  /** Jobs that it has. */
  held: number;
};

/** Why a queued job was not handed out yet: the reason that would have to go first. `now` is milliseconds UTC. */
export function waitReason(job: WaitingJob, runners: RunnerNow[], now: number): WaitReason {
  if (job.runAfterAt > now) {
    return {
      code: "retry-at",
      text: `It rests after a failure and is tried again in ${inWords(job.runAfterAt - now)}.`,
    };
  }
  const online = runners.filter(({ isOnline }) => isOnline);
  if (online.length === 0) return { code: "no-runner", text: noneOnline(runners.length) };
  const labelled = online.filter((runner) => hasLabels(job, runner));
  if (labelled.length === 0) {
    const wanted = Object.entries(job.needs).map(([label, value]) => `${label}=${value}`);
    return { code: "no-runner-with-labels", text: `No runner that is online has the labels ${wanted.join(", ")}.` };
  }
  if (!labelled.some((runner) => runsOn(job, runner))) {
    return { code: "no-runner-for-architecture", text: `No runner that fits can run ${job.architecture} images.` };
  }
  const fitting = labelled.filter((runner) => fits(job, runner));
  if (fitting.length === 0) return { code: "no-runner", text: "Every runner that fits has given it back as unfit." };
  return whatTheyDo(fitting);
}

function whatTheyDo(fitting: RunnerNow[]): WaitReason {
  const staying = fitting.filter(({ isDraining }) => !isDraining);
  if (staying.length === 0)
    return { code: "draining", text: "The runners that fit take no more jobs: they are draining." };
  const willing = staying.filter(({ paused }) => paused === null);
  const [first] = staying;
  if (willing.length === 0) return { code: "paused", text: `The runners that fit are paused: ${first?.paused}.` };
  if (willing.every(({ held, slots }) => held >= slots)) {
    return { code: "busy", text: `All ${willing.length} runners that fit are busy.` };
  }
  return { code: "next", text: "It is among the next to be taken." };
}

function noneOnline(known: number): string {
  if (known === 0) return "No runner is registered.";
  return known === 1 ? "The only runner is not online." : `None of the ${known} runners is online.`;
}

function inWords(ms: number): string {
  return ms < 90_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.ceil(ms / 60_000)} min`;
}

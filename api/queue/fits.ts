import type { Labels } from "#contract/service/runner-protocol.ts";

/** What a job asks of a runner. `architecture` is null until an attempt has resolved the image. */
export type Needs = {
  needs: Labels;
  architecture: string | null;
  /** Runners that gave it back as unfit for them. */
  unfitFor: string[];
};

/** What a runner offers. */
export type Offer = { id: string; labels: Labels; architectures: string[] };

/** Whether a runner can do a job, whatever it does at present. */
export function fits(job: Needs, runner: Offer): boolean {
  return hasLabels(job, runner) && runsOn(job, runner) && !job.unfitFor.includes(runner.id);
}

export function hasLabels({ needs }: Pick<Needs, "needs">, { labels }: Pick<Offer, "labels">): boolean {
  return Object.entries(needs).every(([label, value]) => Object.hasOwn(labels, label) && labels[label] === value);
}

export function runsOn(
  { architecture }: Pick<Needs, "architecture">,
  { architectures }: Pick<Offer, "architectures">,
): boolean {
  return architecture === null || architectures.includes(architecture);
}

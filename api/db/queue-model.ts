// The queue as plain data, for the test that holds the database against it. Written from docs/service.md, not from the queries.
import { retryDelayMs } from "./retry-delay.ts";

export const windows = { leaseMs: 60_000, startWindowMs: 20_000, cancelGraceMs: 90_000, queueMs: 3_600_000 };

export type ModelAttempt = {
  state: "claimed" | "running" | "succeeded" | "failed" | "canceled" | "lost" | "released";
  runner: number;
  claim: number;
  claimedAt: number;
  /** What its finish was answered. */
  answer?: { hash: string; state: string };
  isUnfit?: boolean;
  /** Given back after it was started, as its runner was out of touch with a server that was away. */
  isDropped?: boolean;
};
export type ModelJob = {
  state: "queued" | "running" | "canceling" | "succeeded" | "failed" | "canceled" | "expired";
  priority: number;
  maxAttempts: number;
  needsZone: boolean;
  runAfterAt: number;
  leaseExpiresAt: number;
  cancelAskedAt: number;
  attempts: ModelAttempt[];
};
export type Held = { job: number; attempt: number };
export type HowItEnds = "succeeded" | "retryable" | "final" | "canceled";

const ended = ["succeeded", "failed", "canceled", "expired"];

export class QueueModel {
  now = 1_800_000_000_000;
  jobs: ModelJob[] = [];
  /** What the server gave all leases when it came back. A job that still has it then was not heard of since. */
  pardonedUntil: number | undefined;
  /** By number: room, whether it has the label, whether it drains. */
  runners: { slots: number; hasZone: boolean; isDraining: boolean }[];

  constructor(runners: { slots: number; hasZone: boolean }[]) {
    this.runners = runners.map((one) => ({ ...one, isDraining: false }));
  }

  submit(job: Pick<ModelJob, "priority" | "maxAttempts" | "needsZone">): number {
    const fresh = { state: "queued" as const, runAfterAt: this.now, leaseExpiresAt: 0, cancelAskedAt: 0, attempts: [] };
    return this.jobs.push({ ...job, ...fresh }) - 1;
  }

  claim(runner: number, claim: number, slots: number): Held[] {
    if (this.runners[runner]?.isDraining) return [];
    const before = this.#all().filter(
      ({ at }) => at.runner === runner && at.claim === claim && at.state !== "released",
    );
    before.sort((a, b) => b.job.priority - a.job.priority || a.index - b.index);
    if (before.length > 0) return before.filter(({ at }) => at.state === "claimed").map((one) => this.#renew(one));
    const busy = this.#all().filter(({ at, job, isCurrent }) => at.runner === runner && isCurrent && isActive(job));
    const room = Math.min(slots, (this.runners[runner]?.slots ?? 0) - busy.length);
    return this.#candidates(runner)
      .slice(0, Math.max(0, room))
      .map((index) => this.#take(index, runner, claim));
  }

  start(held: Held): boolean {
    const found = this.#held(held);
    if (!found) return false;
    found.at.state = "running";
    found.job.leaseExpiresAt = this.now + windows.leaseMs;
    return true;
  }

  beat(runner: number, held: Held[]): string[] {
    const it = this.runners[runner];
    if (it) it.isDraining = false;
    return held.map((one) => {
      const found = this.#held(one);
      if (!found || found.at.runner !== runner) return "abandon";
      found.job.leaseExpiresAt = this.now + windows.leaseMs;
      return found.job.state === "canceling" ? "cancel" : "continue";
    });
  }

  /** The job's state, or undefined for `lease.lost`. */
  finish(held: Held, how: HowItEnds, hash: string): string | undefined {
    const found = this.#held(held);
    if (!found) {
      const answer = this.jobs[held.job]?.attempts[held.attempt - 1]?.answer;
      return answer?.hash === hash ? answer.state : undefined;
    }
    const { job, at } = found;
    const isFailed = how === "retryable" || how === "final";
    at.state = isFailed ? (job.state === "canceling" ? "canceled" : "failed") : (how as "succeeded" | "canceled");
    const isRetried = at.state === "failed" && how === "retryable" && counted(job) < job.maxAttempts;
    const rest = retryDelayMs(counted(job), 0.5);
    job.state = isRetried ? "queued" : at.state;
    if (isRetried) job.runAfterAt = this.now + rest;
    at.answer = { hash, state: job.state };
    return job.state;
  }

  release(held: Held, reason: "drain" | "unfit"): string | undefined {
    const found = this.#held(held);
    if (!found) return undefined;
    const { job, at } = found;
    at.state = "released";
    at.isUnfit = reason === "unfit";
    const runner = this.runners[at.runner];
    if (reason === "drain" && runner) runner.isDraining = true;
    job.state = job.state === "canceling" ? "canceled" : "queued";
    job.runAfterAt = Math.min(job.runAfterAt, this.now);
    return job.state;
  }

  cancel(index: number): string {
    const job = this.#job(index);
    const at = job.attempts.at(-1);
    if (job.state === "queued") job.state = "canceled";
    else if (job.state === "running" && at?.state === "claimed") at.state = job.state = "canceled";
    else if (job.state === "running") {
      job.state = "canceling";
      job.cancelAskedAt = this.now;
    }
    return job.state;
  }

  /** The number of the job that is tried, or undefined when there is nothing to try. */
  retry(index: number): number | undefined {
    const job = this.#job(index);
    if (job.state === "queued") job.runAfterAt = Math.min(job.runAfterAt, this.now);
    if (job.state === "queued") return index;
    return ended.includes(job.state) && job.state !== "succeeded" ? this.submit(job) : undefined;
  }

  reap(): void {
    for (const { job, at, isCurrent } of this.#all()) {
      if (!isCurrent || !isActive(job)) continue;
      if (at.state === "claimed" && at.claimedAt < this.now - windows.startWindowMs) this.#giveBack(job, at);
      else if (job.state === "canceling" && job.cancelAskedAt < this.now - windows.cancelGraceMs)
        at.state = job.state = "canceled";
      else if (job.leaseExpiresAt >= this.now) continue;
      else if (job.leaseExpiresAt === this.pardonedUntil) this.#giveBack(job, at);
      else this.#lose(job, at);
    }
  }

  /** Another process of the runner: what it held is lost. */
  reboot(runner: number): void {
    const it = this.runners[runner];
    if (it) it.isDraining = false;
    for (const { job, at, isCurrent } of this.#all())
      if (isCurrent && at.runner === runner && isActive(job)) this.#lose(job, at);
  }

  expire(): void {
    for (const job of this.jobs)
      if (job.state === "queued" && job.runAfterAt < this.now - windows.queueMs) job.state = "expired";
  }

  amnesty(): void {
    this.pardonedUntil = this.now + windows.leaseMs;
    for (const job of this.jobs) {
      if (isActive(job)) {
        job.leaseExpiresAt = this.now + windows.leaseMs;
        if (job.state === "canceling") job.cancelAskedAt = this.now;
        for (const at of job.attempts) if (at.state === "claimed") at.claimedAt = this.now;
      }
      const latest = counted(job) > 0 ? this.now + 900_000 : this.now;
      if (job.state === "queued") job.runAfterAt = Math.min(job.runAfterAt, Math.max(latest, this.now));
    }
  }

  #job(index: number): ModelJob {
    const job = this.jobs[index];
    if (!job) throw new Error(`the model has no job ${index}`);
    return job;
  }

  #all() {
    return this.jobs.flatMap((job, index) =>
      job.attempts.map((at, n) => ({ job, at, index, number: n + 1, isCurrent: n + 1 === job.attempts.length })),
    );
  }

  #held({ job: index, attempt }: Held): { job: ModelJob; at: ModelAttempt } | undefined {
    const job = this.#job(index);
    const at = job.attempts[attempt - 1];
    return at && isActive(job) && attempt === job.attempts.length ? { job, at } : undefined;
  }

  #candidates(runner: number): number[] {
    const fitting = this.jobs.flatMap((job, index) => {
      const isUnfit = job.attempts.some((at) => at.runner === runner && at.isUnfit);
      const isFor = (!job.needsZone || this.runners[runner]?.hasZone) && !isUnfit;
      return job.state === "queued" && job.runAfterAt <= this.now && isFor ? [index] : [];
    });
    return fitting.sort((a, b) => this.#job(b).priority - this.#job(a).priority || a - b);
  }

  #take(index: number, runner: number, claim: number): Held {
    const job = this.#job(index);
    job.state = "running";
    job.leaseExpiresAt = this.now + windows.leaseMs;
    return { job: index, attempt: job.attempts.push({ state: "claimed", runner, claim, claimedAt: this.now }) };
  }

  #renew({ job, at, index, number }: { job: ModelJob; at: ModelAttempt; index: number; number: number }): Held {
    at.claimedAt = this.now;
    job.leaseExpiresAt = this.now + windows.leaseMs;
    return { job: index, attempt: number };
  }

  #giveBack(job: ModelJob, at: ModelAttempt): void {
    at.isDropped = at.state === "running";
    at.state = "released";
    job.state = job.state === "canceling" ? "canceled" : "queued";
    job.runAfterAt = at.isDropped ? this.now : Math.min(job.runAfterAt, this.now);
  }

  #lose(job: ModelJob, at: ModelAttempt): void {
    if (at.state === "claimed") {
      this.#giveBack(job, at);
      return;
    }
    at.state = "lost";
    const deadly = new Set(job.attempts.filter(({ state }) => state === "lost").map(({ runner }) => runner));
    if (job.state === "canceling") job.state = "canceled";
    else if (deadly.size >= 2 || counted(job) >= job.maxAttempts) job.state = "failed";
    else {
      job.state = "queued";
      job.runAfterAt = this.now;
    }
  }
}

const isActive = ({ state }: ModelJob): boolean => state === "running" || state === "canceling";
const counted = ({ attempts }: ModelJob): number => attempts.filter(({ state }) => state !== "released").length;

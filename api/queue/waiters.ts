import { fits, type Needs, type Offer } from "./fits.ts";

/** A claim that waits for a job. */
export type Waiter = Offer & {
  claimId: string;
  /** Ends the waiting: for the job that it was woken for, or for nothing. */
  end(jobId: string | undefined): void;
};

/** How many claims of one runner may wait at a time: more are of connections that it has given up. */
export const parkedPerRunner = 4;

/** The claims that wait, longest first. In memory only: a claim that is lost with the process is repeated by its runner. */
export class Waiters {
  #parked = new Set<Waiter>();

  get size(): number {
    return this.#parked.size;
  }

  /** The same claim again takes the place of the earlier one, and of too many the oldest ends. */
  park(waiter: Waiter): void {
    const own = [...this.#parked].filter(({ id }) => id === waiter.id);
    const same = own.filter(({ claimId }) => claimId === waiter.claimId);
    const others = own.filter(({ claimId }) => claimId !== waiter.claimId);
    const tooMany = Math.max(0, others.length + 1 - parkedPerRunner);
    for (const old of [...same, ...others.slice(0, tooMany)]) this.#end(old, undefined);
    this.#parked.add(waiter);
  }

  remove(waiter: Waiter): void {
    this.#parked.delete(waiter);
  }

  /** Wakes the one that has waited longest of those that can do the job, if there is one. */
  wakeFor(jobId: string, job: Needs): void {
    const first = [...this.#parked].find((waiter) => fits(job, waiter));
    if (first) this.#end(first, jobId);
  }

  /** Ends all, or those of one runner. */
  endAll(runnerId?: string): void {
    for (const waiter of [...this.#parked]) {
      if (runnerId === undefined || waiter.id === runnerId) this.#end(waiter, undefined);
    }
  }

  #end(waiter: Waiter, jobId: string | undefined): void {
    this.#parked.delete(waiter);
    waiter.end(jobId);
  }
}

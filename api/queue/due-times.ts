/** Not longer, whatever the clock says: it may be moved. */
const longestMs = 25_000;

/** The jobs that rest before their next attempt. `wake` is called for each when its time has come, and the job is forgotten here. */
export class DueTimes {
  /** The next one is the last. */
  #rests: { jobId: string; dueAt: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #now: () => number;
  #wake: (jobId: string) => void;

  constructor({ now, wake }: { now: () => number; wake: (jobId: string) => void }) {
    this.#now = now;
    this.#wake = wake;
  }

  add(jobId: string, dueAt: number): void {
    this.#rests.splice(this.#placeOf(dueAt), 0, { jobId, dueAt });
    if (this.#rests.at(-1)?.jobId === jobId) this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#rests = [];
  }

  #placeOf(dueAt: number): number {
    let [low, high] = [0, this.#rests.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#rests[middle]?.dueAt ?? 0) > dueAt) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const next = this.#rests.at(-1);
    if (!next) return;
    this.#timer = setTimeout(() => this.#ring(), Math.min(longestMs, Math.max(1, next.dueAt - this.#now())));
    this.#timer.unref();
  }

  #ring(): void {
    const now = this.#now();
    const firstDue = this.#rests.findLastIndex(({ dueAt }) => dueAt > now) + 1;
    const due = this.#rests.splice(firstDue).reverse();
    this.#arm();
    for (const { jobId } of due) this.#wake(jobId);
  }
}

/** Not longer, whatever the clock says: it may be moved. */
const longestMs = 25_000;

/** The jobs that rest before their next attempt. `wake` is called for each when its time has come, and the job is forgotten here. */
export class DueTimes {
  #times = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #now: () => number;
  #wake: (jobId: string) => void;

  constructor({ now, wake }: { now: () => number; wake: (jobId: string) => void }) {
    this.#now = now;
    this.#wake = wake;
  }

  add(jobId: string, dueAt: number): void {
    this.#times.set(jobId, dueAt);
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#times.clear();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#times.size === 0) return;
    const next = Math.min(...this.#times.values());
    this.#timer = setTimeout(() => this.#ring(), Math.min(longestMs, Math.max(1, next - this.#now())));
    this.#timer.unref();
  }

  #ring(): void {
    const now = this.#now();
    const due = [...this.#times].filter(([, dueAt]) => dueAt <= now).map(([jobId]) => jobId);
    for (const jobId of due) this.#times.delete(jobId);
    this.#arm();
    for (const jobId of due) this.#wake(jobId);
  }
}

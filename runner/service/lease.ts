import { setTimeout as sleep } from "node:timers/promises";
import { WinnowError } from "#contract/error.ts";
import type { ClaimedJob } from "#contract/service/runner-protocol.ts";
import type { Timings } from "#contract/service/timings.ts";

/** Milliseconds that no change of the wall clock moves. */
export type Clock = () => number;

/** Between two looks at the clock while nothing may begin. */
const lookMs = 20;

/**
 * What one attempt may still do. Silence is counted from when the call that extended the lease was sent, not from its answer:
 * whatever the network did with it, the server began to count later than we do.
 */
export class Lease {
  readonly jobId: string;
  readonly attempt: number;
  readonly lease: number;
  readonly finishAsked: Promise<void>;
  /** Its end is being told: the server may have heard it already, and then knows no lease any more. */
  isTelling = false;
  readonly #timings: Pick<Timings, "fenceMs" | "abandonMs">;
  readonly #clock: Clock;
  readonly #work = new AbortController();
  readonly #lost = new AbortController();
  #touchedAt: number;
  #finish = (): void => {};

  constructor(
    { jobId, attempt, lease }: Pick<ClaimedJob, "jobId" | "attempt" | "lease">,
    timings: Pick<Timings, "fenceMs" | "abandonMs">,
    clock: Clock,
  ) {
    this.jobId = jobId;
    this.attempt = attempt;
    this.lease = lease;
    this.#timings = timings;
    this.#clock = clock;
    this.#touchedAt = clock();
    this.finishAsked = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Aborts when the job has to end, whatever for; the reason says why. */
  get signal(): AbortSignal {
    return this.#work.signal;
  }

  /** Aborts when the job is somebody else's, for all we know: nothing more is said about it. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get silentMs(): number {
    return this.#clock() - this.#touchedAt;
  }

  /** The server has extended the lease by a call that was sent at this time. */
  touch(sentAt: number): void {
    this.#touchedAt = Math.max(this.#touchedAt, sentAt);
  }

  /** The work ends, and how it ended is still told. */
  end(reason: unknown): void {
    if (!this.signal.aborted) this.#work.abort(reason);
  }

  lose(reason: unknown): void {
    if (!this.lost.aborted) this.#lost.abort(reason);
    this.end(reason);
  }

  loseWhenSilent(): void {
    if (this.lost.aborted || this.silentMs < this.#timings.abandonMs) return;
    const message = `The server was out of reach for ${Math.round(this.silentMs / 1000)} s.`;
    this.lose(new WinnowError("lease.lost", message, "The job goes to another runner."));
  }

  finishObservation(): void {
    this.#finish();
  }

  /** Waits until something that others see may be told: the lease was extended within `fenceMs`. Throws why it was lost. */
  async mayTell(): Promise<void> {
    for (;;) {
      this.loseWhenSilent();
      this.lost.throwIfAborted();
      if (this.silentMs < this.#timings.fenceMs) return;
      await sleep(lookMs);
    }
  }

  /** As `mayTell`, for what the work itself is about to change. Throws also when the job has to end. */
  async mayBegin(): Promise<void> {
    this.signal.throwIfAborted();
    await this.mayTell();
    this.signal.throwIfAborted();
  }
}

export type TimeLimit = {
  /** Calls back when the time is up or the job is aborted, at once when it is so already. */
  onEnd(callback: () => void): void;
  /** `promise`, or undefined when the time is up first; then `discard` gets what still comes. Rejects on abort. */
  race<T>(promise: Promise<T>, discard: (late: T) => void): Promise<T | undefined>;
  clear(): void;
};

/** A time limit of `ms` that also ends when `signal` aborts. */
export function timeLimit(ms: number, signal: AbortSignal): TimeLimit {
  const callbacks: (() => void)[] = [];
  let ended = false;
  const end = () => {
    ended = true;
    for (const callback of callbacks.splice(0)) callback();
  };
  const timer = setTimeout(end, ms);
  signal.addEventListener("abort", end, { once: true });
  const onEnd = (callback: () => void) => {
    if (ended) callback();
    else callbacks.push(callback);
  };
  return {
    onEnd,
    race: (promise, discard) =>
      new Promise((resolve, reject) => {
        let late = false;
        onEnd(() => {
          late = true;
          if (signal.aborted) reject(signal.reason);
          else resolve(undefined);
        });
        promise.then((value) => (late ? discard(value) : resolve(value)), reject);
      }),
    clear() {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      callbacks.length = 0;
    },
  };
}

/** Resolves after `ms`; rejects with `signal.reason` on abort. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal.addEventListener("abort", abort, { once: true });
  });
}

/** Whether the promise is fulfilled within `ms`. Rejects as it does, when that comes first. */
export async function isDoneWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  return Promise.race([promise.then(() => true), late]).finally(() => clearTimeout(timer));
}

import { isPicked, namedAsBefore } from "./picked-ports.ts";

/** A listening TCP socket, as the relay lists it. `boundPort`: its real port, when it goes by the number of an earlier run's. */
export type Listener = { family: "tcp" | "tcp6"; address: string; port: number; uid: number; boundPort?: number };

export type Ready =
  | { kind: "listening"; listeners: Listener[]; afterMs: number }
  | { kind: "exited" }
  | { kind: "timeout" };

/** What the next step must remember: the set seen last and since when it has been so, and how often we looked. */
export type ReadyState = { ports: string; sinceMs: number; looks: number };

export const firstState: ReadyState = { ports: "", sinceMs: 0, looks: 0 };

/** How long the set of listeners must stay the same when it cannot be said to be complete. */
const quietMs = 300;

/**
 * The same while no exposed port listens at all: then what listens is likely a helper that starts first (epmd before an
 * Erlang application, a debugger before its program). Bounded, because images inherit EXPOSE lines that nothing serves.
 */
const quietWithoutExposedMs = 1500;

/**
 * The same while a port is missing on which an earlier run of the application listened: a slow machine is more likely than
 * another application.
 */
const quietWithoutExpectedMs = 10_000;

/** The same for ports that the system picks: there may be none this time. */
const quietWithoutPickedMs = 2000;

/** Docker's embedded DNS server listens in every container on a user-defined network. */
const embeddedDns = "127.0.0.11";

/**
 * One look at the listeners at `nowMs`. Ready at once when every exposed TCP port listens, and every `expected` one; else when
 * there is a listener and the set has been the same long enough. `listeners` of the answer are without those of the engine, by
 * port, and have the names of the `expected` ones.
 */
export function step(
  state: ReadyState,
  nowMs: number,
  found: readonly Listener[],
  exposed: readonly number[],
  expected?: readonly number[],
): { state: ReadyState; ready: boolean; listeners: Listener[]; nextLookMs: number } {
  const own = ownListeners(found);
  const listeners = expected ? namedAsBefore(own, expected, exposed) : own;
  const open = new Set(listeners.map((listener) => listener.port));
  const ports = listeners.map((listener) => `${listener.family} ${listener.address} ${listener.port}`).join(",");
  const sinceMs = ports === state.ports ? state.sinceMs : nowMs;
  const served = exposed.filter((port) => open.has(port)).length;
  const missing = expected?.filter((port) => !open.has(port)) ?? [];
  const unserved = exposed.length > 0 && served === 0 ? quietWithoutExposedMs : quietMs;
  const forMissing = missing.every(isPicked) ? quietWithoutPickedMs : quietWithoutExpectedMs;
  const enoughMs = missing.length > 0 ? forMissing : unserved;
  const complete = exposed.length > 0 && served === exposed.length && missing.length === 0;
  return {
    state: { ports, sinceMs, looks: state.looks + 1 },
    ready: complete || (listeners.length > 0 && nowMs - sinceMs >= enoughMs),
    listeners,
    nextLookMs: Math.min(100, Math.round(10 * 1.5 ** state.looks)),
  };
}

function ownListeners(found: readonly Listener[]): Listener[] {
  return found
    .filter((listener) => listener.address !== embeddedDns)
    .toSorted((a, b) => a.port - b.port || compare(a.family, b.family) || compare(a.address, b.address));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

type AwaitReady = {
  listeners: () => Promise<Listener[]>;
  /** The TCP ports that the image exposes. */
  exposed: number[];
  /** The TCP ports on which an earlier run of the application listened; undefined: there was none. */
  expected?: readonly number[] | undefined;
  /** How long the application may take, ms. */
  startMs: number;
  /** Settles when the application ends. */
  exited: Promise<unknown>;
  signal: AbortSignal;
};

/**
 * Looks at the listeners every 10 to 100 ms until the application can be probed. Never sleeps longer than it must: the
 * answer comes with the look that shows it. Rejects with `signal.reason` on abort, and with what `listeners` or `exited`
 * reject with.
 */
export async function awaitReady(input: AwaitReady): Promise<Ready> {
  const { listeners, exposed, expected, startMs, exited, signal } = input;
  signal.throwIfAborted();
  const startedAt = performance.now();
  const end = new AbortController();
  const over = new Promise<Ready>((resolve, reject) => {
    const timer = setTimeout(() => resolve({ kind: "timeout" }), startMs);
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    exited.then(() => resolve({ kind: "exited" }), reject);
    end.signal.addEventListener("abort", () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    });
  });
  const look = async (): Promise<Ready> => {
    let state = firstState;
    while (true) {
      const found = await listeners();
      const afterMs = performance.now() - startedAt;
      const next = step(state, afterMs, found, exposed, expected);
      if (next.ready) return { kind: "listening", listeners: next.listeners, afterMs };
      state = next.state;
      await pause(next.nextLookMs, end.signal);
      if (end.signal.aborted) return { kind: "timeout" };
    }
  };
  try {
    return await Promise.race([over, look()]);
  } finally {
    end.abort();
  }
}

/** Resolves after `ms`, or at once when `signal` aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}

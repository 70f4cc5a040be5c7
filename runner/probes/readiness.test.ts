import { createServer, type Server } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { awaitReady, firstState, type Listener, type ReadyState, step } from "./readiness.ts";

const on = (port: number, address = "0.0.0.0"): Listener => ({ family: "tcp", address, port, uid: 0 });
const never = new Promise<never>(() => undefined);
const live = new AbortController().signal;

/** Plays looks `[ms, listeners]` and says at which of them it was ready. */
function readyAt(exposed: number[], ...looks: [number, Listener[]][]): number | undefined {
  return readyAgainAt(exposed, [], ...looks);
}

/** The same for an application that listened on the `expected` ports before. */
function readyAgainAt(exposed: number[], expected: number[], ...looks: [number, Listener[]][]): number | undefined {
  let state: ReadyState = firstState;
  for (const [now, listeners] of looks) {
    const next = step(state, now, listeners, exposed, expected);
    if (next.ready) return now;
    state = next.state;
  }
  return undefined;
}

describe("step", () => {
  test("all exposed ports listening is ready at once, whatever else may come", () => {
    expect(readyAt([80, 443], [0, []], [10, [on(80)]], [20, [on(80), on(443, "::")]])).toBe(20);
    expect(readyAt([8080], [5, [on(8080), on(9000)]])).toBe(5);
  });

  test("without EXPOSE the set of listeners must rest for 300 ms", () => {
    expect(readyAt([], [0, [on(80)]], [299, [on(80)]], [300, [on(80)]])).toBe(300);
    expect(readyAt([], [0, [on(80)]], [200, [on(80), on(81)]], [499, [on(80), on(81)]], [500, [on(80), on(81)]])).toBe(
      500,
    );
  });

  test("a port that is exposed and never served does not hold up the served one", () => {
    expect(readyAt([80, 443], [0, [on(80)]], [290, [on(80)]], [310, [on(80)]])).toBe(310);
  });

  test("a helper that listens before any exposed port gets the application more time", () => {
    const epmd = on(4369);
    expect(readyAt([8080], [0, [epmd]], [400, [epmd]], [900, [epmd, on(8080)]])).toBe(900);
    expect(readyAt([8080], [0, [epmd]], [1499, [epmd]], [1500, [epmd]])).toBe(1500);
  });

  test("a port on which an earlier run listened gets ten seconds, one that was picked two, after which it is given up", () => {
    const both = [on(80), on(8443)];
    expect(readyAgainAt([80], [80, 8443], [0, [on(80)]], [900, [on(80)]], [1000, both])).toBe(1000);
    expect(readyAgainAt([80], [80, 8443], [0, [on(80)]], [9999, [on(80)]], [10_000, [on(80)]])).toBe(10_000);
    expect(readyAgainAt([80], [80, 40_000], [0, [on(80)]], [1999, [on(80)]], [2000, [on(80)]])).toBe(2000);
    // Nothing is quicker than in the earlier run: an application may listen before it can answer.
    expect(readyAgainAt([], [80], [0, [on(80)]], [299, [on(80)]], [300, [on(80)]])).toBe(300);
  });

  test("nothing listening is never ready, nor is the engine's DNS server", () => {
    expect(readyAt([], [0, []], [10_000, []])).toBeUndefined();
    expect(readyAt([], [0, [on(41_000, "127.0.0.11")]], [10_000, [on(41_000, "127.0.0.11")]])).toBeUndefined();
    expect(step(firstState, 0, [on(90), on(41_000, "127.0.0.11"), on(80)], []).listeners).toEqual([on(80), on(90)]);
  });

  test("the same listeners in another order are the same set", () => {
    expect(readyAt([], [0, [on(80), on(81)]], [150, [on(81), on(80)]], [300, [on(80), on(81)]])).toBe(300);
  });

  test("looks come every 10 ms first and every 100 ms later", () => {
    const pauses: number[] = [];
    let state = firstState;
    for (let look = 0; look < 10; look++) {
      const next = step(state, 0, [], []);
      pauses.push(next.nextLookMs);
      state = next.state;
    }
    expect(pauses[0]).toBe(10);
    expect(pauses.at(-1)).toBe(100);
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
  });
});

describe("awaitReady", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  test("a server that starts listening is seen without a sleep", async () => {
    const server = createServer();
    servers.push(server);
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
    let looks = 0;
    const ready = await awaitReady({
      listeners: async () => (++looks > 3 && server.listening ? [on(port, "127.0.0.1")] : []),
      exposed: [port],
      startMs: 10_000,
      exited: never,
      signal: live,
    });
    expect(ready).toMatchObject({ kind: "listening", listeners: [on(port, "127.0.0.1")] });
    expect(looks).toBe(4);
  });

  test("an application that ends first is told apart from one that never listens", async () => {
    const listeners = async () => [];
    expect(await awaitReady({ listeners, exposed: [], startMs: 10_000, exited: pause(20), signal: live })).toEqual({
      kind: "exited",
    });
    expect(await awaitReady({ listeners, exposed: [80], startMs: 30, exited: never, signal: live })).toEqual({
      kind: "timeout",
    });
  });

  test("a relay that hangs does not outlast the limit", async () => {
    expect(await awaitReady({ listeners: () => never, exposed: [], startMs: 30, exited: never, signal: live })).toEqual(
      { kind: "timeout" },
    );
  });

  test("an abort and a broken relay are errors", async () => {
    const abort = new AbortController();
    const waiting = awaitReady({
      listeners: async () => [],
      exposed: [],
      startMs: 10_000,
      exited: never,
      signal: abort.signal,
    });
    abort.abort(new Error("canceled"));
    await expect(waiting).rejects.toThrow("canceled");
    const broken = () => Promise.reject(new Error("relay is gone"));
    await expect(
      awaitReady({ listeners: broken, exposed: [], startMs: 10_000, exited: never, signal: live }),
    ).rejects.toThrow("relay is gone");
  });

  test("nothing keeps running after the answer", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    await awaitReady({ listeners: async () => [], exposed: [], startMs: 25, exited: never, signal: live });
    await awaitReady({ listeners: async () => [on(80)], exposed: [80], startMs: 60_000, exited: never, signal: live });
    expect(timers()).toBe(before);
  });
});

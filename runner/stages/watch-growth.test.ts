import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchGrowth } from "./watch-growth.ts";

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

const now = () => Date.now();

test("a run of less than two seconds is never looked at", async () => {
  const size = vi.fn(async () => 1);
  const watch = watchGrowth({ size, now });
  await vi.advanceTimersByTimeAsync(1999);
  expect(await watch.stop()).toEqual([]);
  expect(size).not.toHaveBeenCalled();
});

test("the size is looked at every half second, and once more at the end", async () => {
  let bytes = 0;
  const watch = watchGrowth({ size: async () => (bytes += 10), now });
  await vi.advanceTimersByTimeAsync(2700);
  const seen = await watch.stop();
  expect(seen).toEqual([
    { atMs: 2000, bytes: 10 },
    { atMs: 2500, bytes: 20 },
    { atMs: 2700, bytes: 30 },
  ]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(bytes).toBe(30);
});

test("a look that fails ends the watch and nothing else", async () => {
  const size = vi.fn(async () => Promise.reject(new Error("gone")));
  const watch = watchGrowth({ size, now });
  await vi.advanceTimersByTimeAsync(9000);
  expect(await watch.stop()).toEqual([]);
  expect(size).toHaveBeenCalledOnce();
});

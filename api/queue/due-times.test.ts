import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { DueTimes } from "./due-times.ts";

let woken: string[];
let due: DueTimes;
beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  onTestFinished(() => void vi.useRealTimers());
  woken = [];
  due = new DueTimes({ now: Date.now, wake: (id) => void woken.push(id) });
});

describe("jobs that rest", () => {
  it("are woken when they are due, in their order, those of one time as they came", () => {
    for (const [id, dueAt] of Object.entries({ c: 300, a: 100, b1: 200, d: 400, b2: 200 })) due.add(id, dueAt);
    vi.advanceTimersByTime(99);
    expect(woken).toEqual([]);
    vi.advanceTimersByTime(101);
    expect(woken).toEqual(["a", "b1", "b2"]);
    vi.advanceTimersByTime(1000);
    expect(woken).toEqual(["a", "b1", "b2", "c", "d"]);
  });

  it("may be added while others are woken", () => {
    const wake = (id: string) => {
      woken.push(id);
      if (woken.length < 3) due.add(`${id}+`, Date.now() + 5);
    };
    due = new DueTimes({ now: Date.now, wake });
    due.add("a", 10);
    vi.advanceTimersByTime(100);
    expect(woken).toEqual(["a", "a+", "a++"]);
  });

  it("are woken though the clock goes an hour forwards", () => {
    due.add("a", 3_600_000);
    vi.setSystemTime(3_600_000);
    vi.advanceTimersByTime(25_000);
    expect(woken).toEqual(["a"]);
  });

  it("may be a hundred thousand", () => {
    const count = 100_000;
    for (let n = count; n > 0; n--) due.add(String(n), n);
    for (let n = 1; n <= 1000; n++) due.add(`late ${n}`, (n * 7919) % count); // anywhere between them
    vi.advanceTimersByTime(count);
    expect(woken).toHaveLength(count + 1000);
  });

  it("are forgotten when that is over", () => {
    due.add("a", 10);
    due.stop();
    vi.advanceTimersByTime(100);
    expect(woken).toEqual([]);
  });
});

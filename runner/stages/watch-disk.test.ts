import { describe, expect, test } from "vitest";
import type { DiskSpace } from "../sensor/relay-client.ts";
import { diskFault, watchDisk } from "./watch-disk.ts";

const giga = 2 ** 30;
const disk = (available: number, total = 100 * giga): DiskSpace => ({ available, total });

describe("a run goes on", () => {
  test.each([
    ["when nothing was written", disk(50 * giga), disk(50 * giga)],
    ["when others made room meanwhile", disk(50 * giga), disk(60 * giga)],
    ["up to its limit", disk(50 * giga), disk(40 * giga)],
    ["on a small disk with a twentieth left", disk(600e6, 10e9), disk(500e6, 10e9)],
  ])("%s", (_, start, now) => {
    expect(diskFault(start, now, 10 * giga)).toBeUndefined();
  });
});

describe("a run ends", () => {
  test("over its limit, with both numbers", () => {
    expect(diskFault(disk(50e9), disk(49.8e9), 64 * 2 ** 20)).toMatchObject({
      code: "limit.exceeded",
      message: "The application filled the engine's disk: 200 MB written, 49800 MB left, 67 MB allowed.",
    });
  });

  test("within its limit, when it took most of what was left", () => {
    expect(diskFault(disk(5 * giga), disk(giga - 1), 10 * giga)?.code).toBe("limit.exceeded");
    expect(diskFault(disk(1.2e9, 10e9), disk(499e6, 10e9), 10 * giga)?.code).toBe("limit.exceeded");
  });

  test("without blame, when the disk was nearly full before", () => {
    expect(diskFault(disk(giga - 1), disk(giga - 1), 10 * giga)).toMatchObject({
      code: "disk.full",
      message: "The engine's disk is nearly full: 0 MB written, 1074 MB left.",
    });
    expect(diskFault(disk(giga + 1000), disk(giga - 1000), 10 * giga)?.code).toBe("disk.full");
  });
});

describe("the watch", () => {
  test("compares every look with the first", async () => {
    const looks = [disk(50 * giga), disk(49 * giga), disk(48 * giga)];
    const free = async () => looks.shift() ?? disk(0);
    const watch = watchDisk({ free, limitBytes: 1.5 * giga, signal: new AbortController().signal });
    await expect(watch).rejects.toMatchObject({ code: "limit.exceeded" });
    expect(looks).toEqual([]);
  });

  test("does not let a run fill what others make free", async () => {
    const looks = [disk(50 * giga), disk(60 * giga), disk(58 * giga)];
    const free = async () => looks.shift() ?? disk(0);
    const watch = watchDisk({ free, limitBytes: 1.5 * giga, signal: new AbortController().signal });
    await expect(watch).rejects.toMatchObject({ message: expect.stringContaining("2147 MB written") });
  });

  test("ends quietly with the run", async () => {
    const over = new AbortController();
    const watch = watchDisk({ free: async () => disk(50 * giga), limitBytes: giga, signal: over.signal });
    over.abort();
    await expect(watch).resolves.toBeUndefined();
  });

  test("does not go on blindly when it cannot look", async () => {
    const free = () => Promise.reject(new Error("the relay's output ended"));
    const watch = watchDisk({ free, limitBytes: giga, signal: new AbortController().signal });
    await expect(watch).rejects.toThrow("the relay's output ended");
  });
});

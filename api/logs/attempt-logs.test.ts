import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { array, assert as assertProperty, asyncProperty, constantFrom, integer, string, tuple } from "fast-check";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { directoryStore } from "../store/directory.ts";
import { type AttemptLogs, attemptLogs, cutMark } from "./attempt-logs.ts";
import { sealLog } from "./seal-log.ts";

const root = mkdtempSync(join(tmpdir(), "winnow-logs-"));
const ref = { jobId: "job_a", attempt: 1 };
let place = "";
let logs: AttemptLogs;

beforeEach(() => {
  place = mkdtempSync(join(root, "case-"));
  logs = attemptLogs(place);
});
afterAll(() => rmSync(root, { recursive: true }));

const sent = (content: string | Buffer) => {
  const bytes = Buffer.from(content as string); // Buffer.from takes either; its overloads do not
  return { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
};
const contentOf = async (range?: { start: number; end: number }) => text(await logs.read("job_a", 1, range));

describe("the log of an attempt", () => {
  it("grows by chunks and says which byte it wants next", async () => {
    expect(await logs.append("job_a", 1, 0, Buffer.from("one "))).toBe(4);
    expect(await logs.append("job_a", 1, 4, Buffer.from("two"))).toBe(7);
    expect(await contentOf()).toBe("one two");
    expect(await contentOf({ start: 2, end: 4 })).toBe("e t");
    expect(await logs.stat("job_a", 1)).toEqual({ bytes: 7, next: 7, isCut: false });
  });

  it("is for its owner alone", async () => {
    await logs.append("job_a", 1, 0, Buffer.from("x"));
    expect(statSync(join(place, "job_a.1.log")).mode & 0o777).toBe(0o600);
  });

  it("refuses a chunk that leaves a gap, and says from where to send", async () => {
    await logs.append("job_a", 1, 0, Buffer.from("0123"));
    await expect(logs.append("job_a", 1, 5, Buffer.from("5"))).rejects.toMatchObject({ code: "log.gap", next: 4 });
    await expect(logs.append("job_b", 1, 1, Buffer.from("x"))).rejects.toMatchObject({ next: 0 });
    expect(await contentOf()).toBe("0123");
  });

  it("takes a chunk twice, and one that overlaps", async () => {
    await logs.append("job_a", 1, 0, Buffer.from("0123"));
    expect(await logs.append("job_a", 1, 0, Buffer.from("0123"))).toBe(4);
    expect(await logs.append("job_a", 1, 1, Buffer.from("12"))).toBe(4);
    expect(await logs.append("job_a", 1, 2, Buffer.from("2345"))).toBe(6);
    expect(await contentOf()).toBe("012345");
  });

  it("refuses other bytes where there are some, and keeps what was there", async () => {
    await logs.append("job_a", 1, 0, Buffer.from("0123"));
    await expect(logs.append("job_a", 1, 2, Buffer.from("x345"))).rejects.toMatchObject({ code: "lease.lost" });
    expect(await contentOf()).toBe("0123");
  });

  it("keeps chunks whole that come at the same time", async () => {
    const chunks = Array.from({ length: 50 }, (_, n) => Buffer.from(`line ${String(n).padStart(3, "0")}\n`));
    await Promise.all(chunks.map((chunk, n) => logs.append("job_a", 1, n * 9, chunk)));
    expect(await contentOf()).toBe(Buffer.concat(chunks).toString());
  });

  it("goes on after its end was lost in a power cut", async () => {
    await logs.append("job_a", 1, 0, Buffer.from("0123456789"));
    truncateSync(join(place, "job_a.1.log"), 4);
    await expect(logs.append("job_a", 1, 10, Buffer.from("x"))).rejects.toMatchObject({ code: "log.gap", next: 4 });
    expect(await logs.append("job_a", 1, 4, Buffer.from("456789x"))).toBe(11);
    expect(await contentOf()).toBe("0123456789x");
  });

  it.each(["../../etc/passwd", "job_a/../b", "JOB_A", "job_", "", "job_a\0"])(
    "has no file for the job %j",
    async (jobId) => {
      await expect(logs.append(jobId, 1, 0, Buffer.from("x"))).rejects.toMatchObject({ code: "artifact.not-found" });
      await expect(logs.read(jobId, 1)).rejects.toMatchObject({ code: "artifact.not-found" });
      expect(await logs.list()).toEqual([]);
    },
  );

  it("is listed until it is dropped; what else lies there is not a log", async () => {
    await logs.append("job_a", 1, 0, Buffer.from("123"));
    await directoryStore(place).put("jobs/job_a/1/x", "1");
    expect(await logs.list()).toEqual([{ ...ref, bytes: 3, changedAt: expect.any(Number) }]);
    await logs.drop("job_a", 1);
    await logs.drop("job_a", 1);
    expect(await logs.list()).toEqual([]);
    await expect(logs.read("job_a", 1)).rejects.toMatchObject({ code: "artifact.not-found" });
    expect(await logs.size("job_a", 1)).toBeUndefined();
  });
});

describe("a log that says too much", () => {
  const mark = cutMark(10).toString();
  beforeEach(() => {
    logs = attemptLogs(place, { maxBytes: 10 });
  });

  it("keeps its beginning and says that it was cut, while the runner goes on", async () => {
    expect(await logs.append("job_a", 1, 0, Buffer.from("01234567"))).toBe(8);
    expect(await logs.append("job_a", 1, 8, Buffer.from("89ab"))).toBe(12);
    expect(await logs.append("job_a", 1, 12, Buffer.from("cdef"))).toBe(16);
    expect(await logs.append("job_a", 1, 8, Buffer.from("89ab"))).toBe(12);
    expect(await contentOf()).toBe(`0123456789${mark}`);
  });

  it("is not cut when it fits exactly", async () => {
    await logs.append("job_a", 1, 0, Buffer.from("0123456789"));
    expect(await contentOf()).toBe("0123456789");
    await logs.append("job_a", 1, 10, Buffer.from("a"));
    expect(await contentOf()).toBe(`0123456789${mark}`);
  });

  it("is sealed as it was cut, and not before its end was sent", async () => {
    const store = directoryStore(join(place, "store"));
    await logs.append("job_a", 1, 0, Buffer.from("0123456789"));
    const whole = sent("0123456789abc");
    await expect(sealLog({ logs, store }, ref, whole)).rejects.toMatchObject({ code: "log.gap", next: 10 });
    await logs.append("job_a", 1, 10, Buffer.from("abc"));
    expect(await sealLog({ logs, store }, ref, whole)).toMatchObject(sent(`0123456789${mark}`));
  });
});

describe("sealing a log", () => {
  const store = () => directoryStore(join(place, "store"));

  it("copies it into the store and leaves the file to the caller", async () => {
    await logs.append("job_a", 1, 0, Buffer.from("grün\n"));
    expect(await sealLog({ logs, store: store() }, ref, sent("grün\n"))).toEqual({
      key: "jobs/job_a/1/job.log",
      ...sent("grün\n"),
    });
    expect(await contentOf()).toBe("grün\n");
    expect(await text(await store().get("jobs/job_a/1/job.log"))).toBe("grün\n");
  });

  it("makes an empty one of an attempt that said nothing", async () => {
    expect(await sealLog({ logs, store: store() }, ref, sent(""))).toMatchObject({ bytes: 0 });
  });

  it("waits for what is missing", async () => {
    await logs.append("job_a", 1, 0, Buffer.from("0123"));
    await expect(sealLog({ logs, store: store() }, ref, sent("01234"))).rejects.toMatchObject({ next: 4 });
    expect(await contentOf()).toBe("0123");
  });

  it.each([["0129"], ["012"]])("begins again when what it has is not what was sent, %j", async (declared) => {
    await logs.append("job_a", 1, 0, Buffer.from("0123"));
    await expect(sealLog({ logs, store: store() }, ref, sent(declared))).rejects.toMatchObject({
      code: "log.gap",
      next: 0,
    });
    await logs.append("job_a", 1, 0, Buffer.from(declared));
    expect(await sealLog({ logs, store: store() }, ref, sent(declared))).toMatchObject(sent(declared));
  });
});

it("a log ends as it was said, whatever happened to its chunks on the way", async () => {
  const steps = array(tuple(integer({ min: -40, max: 60 }), integer({ min: 0, max: 50 }), constantFrom(1, 1, 2)));
  await assertProperty(
    asyncProperty(string({ unit: "binary", maxLength: 400 }), steps, async (said, moves) => {
      const content = Buffer.from(said);
      await logs.drop("job_a", 1);
      let next = 0;
      const send = async (offset: number, bytes: number) => {
        try {
          next = await logs.append("job_a", 1, offset, content.subarray(offset, offset + bytes));
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "log.gap", next });
          expect(offset).toBeGreaterThan(next);
        }
      };
      // Late, early, doubled and split anywhere, also within a character; then what a runner does at the end: from `next` on.
      for (const [shift, bytes, times] of moves) {
        const offset = Math.min(content.length, Math.max(0, next + shift));
        for (let sends = 0; sends < times; sends += 1) await send(offset, bytes);
      }
      await send(next, content.length);
      expect(await sealLog({ logs, store: directoryStore(join(place, "store")) }, ref, sent(content))).toMatchObject(
        sent(content),
      );
    }),
    { numRuns: 200 },
  );
});

import { createHash, randomBytes } from "node:crypto";
import { PassThrough, Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { beforeEach, describe, expect, it } from "vitest";
import { WinnowError } from "#contract/error.ts";
import type { Store } from "./store.ts";

/** What every store must do. `makeStore` gives an empty one before each test. */
export function describeStore(title: string, makeStore: () => Promise<Store>): void {
  describe(title, () => {
    let store: Store;
    beforeEach(async () => {
      store = await makeStore();
    });

    it("gives back what was put, with its size and digest", async () => {
      const content = randomBytes(3 << 20);
      const stored = await store.put(
        "jobs/job_a/1/blob",
        Readable.from([content.subarray(0, 1 << 20), content.subarray(1 << 20)]),
      );
      expect(stored).toEqual({ bytes: 3 << 20, sha256: createHash("sha256").update(content).digest("hex") });
      expect(Buffer.compare(await buffer(await store.get("jobs/job_a/1/blob")), content)).toBe(0);
      expect(await store.stat("jobs/job_a/1/blob")).toEqual({ bytes: 3 << 20 });
    });

    it("takes strings, buffers and empty content", async () => {
      expect(await store.put("jobs/job_a/1/text", "grün")).toMatchObject({ bytes: 5 });
      expect(await store.put("jobs/job_a/1/bytes", Buffer.from([0, 255]))).toMatchObject({ bytes: 2 });
      expect(await store.put("jobs/job_a/1/empty", "")).toMatchObject({ bytes: 0 });
      expect(await text(await store.get("jobs/job_a/1/text"))).toBe("grün");
      expect(await buffer(await store.get("jobs/job_a/1/bytes"))).toEqual(Buffer.from([0, 255]));
      expect(await text(await store.get("jobs/job_a/1/empty"))).toBe("");
    });

    it("gives ranges of bytes, first and last included, and no more than there are", async () => {
      await store.put("jobs/job_a/1/log", "0123456789");
      const part = async (start: number, end: number) => text(await store.get("jobs/job_a/1/log", { start, end }));
      expect(await part(0, 0)).toBe("0");
      expect(await part(3, 5)).toBe("345");
      expect(await part(7, 9)).toBe("789");
      expect(await part(7, 1000)).toBe("789");
      expect(await part(10, 20)).toBe("");
      expect(await part(0, Number.MAX_SAFE_INTEGER)).toBe("0123456789");
    });

    it.each([
      [5, 3],
      [-1, 3],
      [0, 1.5],
      [Number.NaN, 3],
    ])("refuses the range %d to %d", async (start, end) => {
      await store.put("jobs/job_a/1/log", "0123456789");
      const asked = store.get("jobs/job_a/1/log", { start, end });
      await expect(asked).rejects.toMatchObject({ code: "request.invalid" });
    });

    it("gives nothing for a range of an empty object, and an error for one of a missing object", async () => {
      await store.put("jobs/job_a/1/empty", "");
      expect(await text(await store.get("jobs/job_a/1/empty", { start: 0, end: 9 }))).toBe("");
      const missing = store.get("jobs/job_a/1/none", { start: 0, end: 9 });
      await expect(missing).rejects.toMatchObject({ code: "store.failed" });
    });

    it("keeps an object of many parts as it was, also across the bounds of its parts", async () => {
      const content = randomBytes((20 << 20) + 3);
      const stored = await store.put("jobs/job_a/1/parts", Readable.from(sliced(content, 999_983)));
      expect(stored).toEqual({ bytes: content.length, sha256: sha256Of(content) });
      expect(sha256Of(await buffer(await store.get("jobs/job_a/1/parts")))).toBe(stored.sha256);
      const bound = 8 << 20;
      const range = { start: bound - 2, end: bound + 2 };
      expect(await buffer(await store.get("jobs/job_a/1/parts", range))).toEqual(
        content.subarray(bound - 2, bound + 3),
      );
    });

    it("streams 300 MiB in and out with little memory", async () => {
      const [mib, count] = [randomBytes(1 << 20), 300];
      await store.put("jobs/job_a/1/warm", Readable.from(repeated(mib, 20)));
      const grown = watchMemory();
      const stored = await store.put("jobs/job_a/1/big", Readable.from(repeated(mib, count)));
      const digest = createHash("sha256");
      for await (const piece of await store.get("jobs/job_a/1/big")) digest.update(piece);
      expect(grown()).toBeLessThan(100 << 20);
      expect(stored).toEqual({ bytes: count << 20, sha256: digest.digest("hex") });
    });

    it("serves many at once", async () => {
      const keys = Array.from({ length: 40 }, (_, n) => `jobs/job_a/1/n${n}`);
      const contents = keys.map((key) => key.repeat(20_000));
      await Promise.all(keys.map((key, n) => store.put(key, contents[n] ?? "")));
      const read = await Promise.all(keys.map(async (key) => text(await store.get(key))));
      expect(read).toEqual(contents);
    });

    it("lists and removes more than a server's page of 1,000", async () => {
      const keys = Array.from({ length: 1_050 }, (_, n) => `jobs/job_a/1/n${String(n).padStart(4, "0")}`);
      for (let done = 0; done < keys.length; done += 25)
        await Promise.all(keys.slice(done, done + 25).map((key) => store.put(key, "x")));
      await store.put("jobs/job_b/1/stays", "x");
      expect((await store.list("jobs/job_a/")).map(({ key }) => key)).toEqual(keys);
      await store.remove("jobs/job_a/1/");
      expect(await store.list("jobs/")).toEqual([{ key: "jobs/job_b/1/stays", bytes: 1 }]);
    });

    it("replaces an object by a second put", async () => {
      await store.put("jobs/job_a/1/report.json", "a longer first text");
      await store.put("jobs/job_a/1/report.json", "second");
      expect(await text(await store.get("jobs/job_a/1/report.json"))).toBe("second");
    });

    it("ends with one whole object when two puts of a key meet", async () => {
      const [first, second] = ["1".repeat(1 << 20), "2".repeat(1 << 20)];
      await Promise.all([store.put("jobs/job_a/1/raced", first), store.put("jobs/job_a/1/raced", second)]);
      expect([first, second]).toContain(await text(await store.get("jobs/job_a/1/raced")));
    });

    it("shows nothing of a put whose source fails, and keeps what was there", async () => {
      const breaking = () =>
        Readable.from(
          (async function* () {
            yield Buffer.alloc(1 << 20);
            throw new Error("the container went away");
          })(),
        );
      await expect(store.put("jobs/job_a/1/new", breaking())).rejects.toMatchObject({ code: "store.failed" });
      expect(await store.stat("jobs/job_a/1/new")).toBeUndefined();
      await store.put("jobs/job_a/1/old", "whole");
      await expect(store.put("jobs/job_a/1/old", breaking())).rejects.toMatchObject({ code: "store.failed" });
      expect(await text(await store.get("jobs/job_a/1/old"))).toBe("whole");
      expect(await store.list("jobs/")).toEqual([{ key: "jobs/job_a/1/old", bytes: 5 }]);
    });

    it("shows nothing of a put of many parts whose source fails or is closed", async () => {
      const failing = Readable.from(
        (async function* () {
          yield* repeated(Buffer.alloc(1 << 20), 20);
          throw new Error("the container went away");
        })(),
      );
      await expect(store.put("jobs/job_a/1/new", failing)).rejects.toMatchObject({
        code: "store.failed",
        message: expect.stringContaining("the container went away"),
      });
      const closed = new PassThrough();
      closed.write(Buffer.alloc(9 << 20));
      const put = store.put("jobs/job_a/1/new", closed);
      setTimeout(() => closed.destroy(), 100);
      await expect(put).rejects.toMatchObject({ code: "store.failed" });
      expect(await store.list("jobs/")).toEqual([]);
    });

    it("passes an error of ours on as it is", async () => {
      const stopped = new WinnowError("job.canceled", "The job was cancelled.", "Submit it again.");
      const source = new Readable({ read: () => source.destroy(stopped) });
      await expect(store.put("jobs/job_a/1/new", source)).rejects.toBe(stopped);
    });

    it("says that a missing object is missing", async () => {
      expect(await store.stat("jobs/job_a/1/none")).toBeUndefined();
      await expect(store.get("jobs/job_a/1/none")).rejects.toMatchObject({ code: "store.failed" });
      expect(await store.list("jobs/job_a/")).toEqual([]);
      await store.remove("jobs/job_a/1/none");
    });

    it("takes a whole key for that object alone", async () => {
      for (const key of ["jobs/job_a/1/x", "jobs/job_a/1/xy"]) await store.put(key, "1");
      expect(await store.list("jobs/job_a/1/x")).toEqual([{ key: "jobs/job_a/1/x", bytes: 1 }]);
      expect(await store.list("jobs/job_a/1/none")).toEqual([]);
      await store.remove("jobs/job_a/1/x");
      expect(await store.list("jobs/")).toEqual([{ key: "jobs/job_a/1/xy", bytes: 1 }]);
    });

    it("lists and removes by job, by attempt and by key, and leaves the neighbours", async () => {
      const keys = ["jobs/job_a/1/x", "jobs/job_a/1/y", "jobs/job_a/10/x", "jobs/job_a/2/x", "jobs/job_ab/1/x"];
      for (const key of keys) await store.put(key, key);
      const listed = async (prefix: string) => (await store.list(prefix)).map(({ key }) => key);
      expect(await listed("jobs/")).toEqual(keys);
      expect(await listed("jobs/job_a/1/")).toEqual(["jobs/job_a/1/x", "jobs/job_a/1/y"]);
      await store.remove("jobs/job_a/1/x");
      expect(await listed("jobs/job_a/")).toEqual(["jobs/job_a/1/y", "jobs/job_a/10/x", "jobs/job_a/2/x"]);
      await store.remove("jobs/job_a/1/");
      expect(await listed("jobs/job_a/")).toEqual(["jobs/job_a/10/x", "jobs/job_a/2/x"]);
      await store.remove("jobs/job_a/");
      expect(await listed("jobs/")).toEqual(["jobs/job_ab/1/x"]);
    });

    it.each([
      "",
      "x",
      "jobs/job_a/1/",
      "jobs/job_a/1/..",
      "jobs/job_a/1/.hidden",
      "jobs/job_a/1/a/b",
      "jobs/job_a/../1/x",
      "jobs/job_a/0/x",
      "jobs/job_a/one/x",
      "jobs/JOB_A/1/x",
      "jobs/job_a/1/a\nb",
      "jobs/job_a/1/a\0",
      "jobs//1/x",
      "/jobs/job_a/1/x",
      "jobs/job_a/1/-x",
      `jobs/job_a/1/${"x".repeat(101)}`,
    ])("refuses the key %j", async (key) => {
      await expect(store.put(key, "x")).rejects.toMatchObject({ code: "store.failed" });
      await expect(store.get(key)).rejects.toMatchObject({ code: "store.failed" });
      await expect(store.stat(key)).rejects.toMatchObject({ code: "store.failed" });
    });

    it.each(["", "/", "jobs", "..", "jobs/../", "jobs/job_a", "jobs/job_a/1/x/", "jobs/job_a/1/../"])(
      "refuses the prefix %j",
      async (prefix) => {
        await expect(store.list(prefix)).rejects.toMatchObject({ code: "store.failed" });
        await expect(store.remove(prefix)).rejects.toMatchObject({ code: "store.failed" });
      },
    );
  });
}

function sha256Of(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

function* sliced(content: Buffer, bytes: number): Generator<Buffer> {
  for (let done = 0; done < content.length; done += bytes) yield content.subarray(done, done + bytes);
}

async function* repeated(chunk: Buffer, count: number): AsyncGenerator<Buffer> {
  for (let n = 0; n < count; n += 1) yield chunk;
}

/** From now on until the call of what it returns: by how many bytes this process grew at most. */
function watchMemory(): () => number {
  const before = process.memoryUsage.rss();
  let highest = before;
  const watch = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage.rss());
  }, 10);
  return () => {
    clearInterval(watch);
    return highest - before;
  };
}

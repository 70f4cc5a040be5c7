import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { beforeEach, describe, expect, it } from "vitest";
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

    it("says that a missing object is missing", async () => {
      expect(await store.stat("jobs/job_a/1/none")).toBeUndefined();
      await expect(store.get("jobs/job_a/1/none")).rejects.toMatchObject({ code: "store.failed" });
      expect(await store.list("jobs/job_a/")).toEqual([]);
      await store.remove("jobs/job_a/1/none");
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

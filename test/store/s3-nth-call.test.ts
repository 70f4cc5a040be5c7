import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { s3Store } from "#api/store/s3.ts";
import type { Store } from "#api/store/store.ts";
import { type Minio, minioBinary, startMinio } from "../minio.ts";
import { type Meddling, type S3Proxy, startS3Proxy } from "../s3-proxy.ts";

const limits = { connectMs: 1_000, idleMs: 2_000, answerMs: 5_000, attempts: 3 };
const key = "jobs/job_a/1/parts";
const content = randomBytes(17 << 20);
const sha256 = createHash("sha256").update(content).digest("hex");
/** Begin, three parts, end. */
const callsOfPut = 5;

const faults: [string, Meddling][] = [
  ["breaks the connection", "break"],
  ["breaks the connection after the work is done", "break-after"],
  ["answers that it is too busy", { status: 503, body: "<Error><Code>SlowDown</Code></Error>" }],
];

describe.runIf(minioBinary())("when one call to the server fails", () => {
  let minio: Minio;
  let proxy: S3Proxy;
  let store: Store;
  /** The same bucket, past the proxy. */
  let direct: Store;
  beforeAll(async () => {
    minio = await startMinio();
    await minio.makeBucket("winnow");
    proxy = await startS3Proxy(minio.endpoint);
    direct = s3Store(minio.settings("winnow"));
  });
  // A client that has tried again a hundred times in vain stops trying again, so each test has one of its own.
  beforeEach(() => {
    store = s3Store(minio.settings("winnow", { endpoint: proxy.endpoint }), limits);
  });
  afterAll(async () => {
    await proxy?.close();
    await minio.remove();
  });

  it("counts the calls of a put of three parts right", async () => {
    proxy.meddle(() => "pass");
    await put();
    expect(proxy.calls()).toBe(callsOfPut);
  });

  describe.each(faults)("and the server %s", (_, fault) => {
    it.each([...Array(callsOfPut).keys()])("a put stands it at call %d, once", async (n) => {
      await direct.remove("jobs/");
      proxy.meddle((_, position) => (position === n ? fault : "pass"));
      const outcome = await settled(put());
      expect(proxy.calls()).toBeGreaterThan(n);
      // An end that was done and not answered cannot be done again; then the put counts as failed, and its object is whole.
      if (!(fault === "break-after" && n === callsOfPut - 1))
        expect(outcome).toEqual({ bytes: content.length, sha256 });
      expect((await buffer(await direct.get(key))).equals(content)).toBe(true);
    });

    it.each([...Array(callsOfPut).keys()])("a put fails at call %d when it goes on, and shows nothing", async (n) => {
      await direct.remove("jobs/");
      await direct.put(key, "the old one");
      proxy.meddle((_, position) => (position >= n ? fault : "pass"));
      expect(await settled(put())).toMatchObject({ code: "store.failed" });
      const there = await buffer(await direct.get(key));
      const isDone = fault === "break-after" && there.equals(content);
      expect(isDone || String(there) === "the old one").toBe(true);
    });

    it("the other calls stand it once, and fail when it goes on", async () => {
      await direct.remove("jobs/");
      await direct.put("jobs/job_a/1/x", "x");
      const calls: [() => Promise<unknown>, unknown][] = [
        [() => store.get("jobs/job_a/1/x").then(text), "x"],
        [() => store.stat("jobs/job_a/1/x"), { bytes: 1 }],
        [() => store.stat("jobs/job_a/1/none"), undefined],
        [() => store.list("jobs/"), [{ key: "jobs/job_a/1/x", bytes: 1 }]],
        [() => store.remove("jobs/job_a/1/none"), undefined],
      ];
      for (const [call, wanted] of calls) {
        proxy.meddle((_, position) => (position === 0 ? fault : "pass"));
        expect(await call()).toEqual(wanted);
        proxy.meddle(() => fault);
        expect(await settled(call())).toMatchObject({ code: "store.failed" });
        expect(proxy.calls()).toBe(limits.attempts);
      }
    });
  });

  async function put() {
    return await store.put(key, Readable.from([content.subarray(0, 1 << 20), content.subarray(1 << 20)]));
  }
});

async function settled(work: Promise<unknown>): Promise<unknown> {
  return await work.catch((thrown) => thrown);
}

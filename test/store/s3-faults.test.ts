import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import { ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { s3Store } from "#api/store/s3.ts";
import { s3Client, s3Limits } from "#api/store/s3-client.ts";
import type { Store } from "#api/store/store.ts";
import { type Minio, minioBinary, startMinio } from "../minio.ts";

/** Waits that a test can stand; those of a service are longer. */
const brief = { connectMs: 1_000, idleMs: 1_500, answerMs: 3_000, attempts: 2 };
const mib = randomBytes(1 << 20);

describe.runIf(minioBinary())("a bucket of a server with faults", () => {
  let minio: Minio;
  let store: Store;
  beforeAll(async () => {
    minio = await startMinio();
    await minio.makeBucket("winnow");
  });
  afterAll(() => minio.remove());
  beforeEach(async () => {
    store = s3Store(minio.settings("winnow"), brief);
    await store.remove("jobs/");
  });

  it("shows nothing of a put during which the server was killed, and serves again when it is back", async () => {
    await store.put("jobs/job_a/1/old", "whole");
    let given = 0;
    const source = Readable.from(
      (async function* () {
        for (; given < 60; given += 1) {
          if (given === 30) await minio.kill();
          yield mib;
        }
      })(),
    );
    await expect(store.put("jobs/job_a/1/old", source)).rejects.toMatchObject({
      code: "store.failed",
      message: expect.stringContaining(`no answer from ${minio.endpoint}`),
      hint: expect.stringContaining("endpoint"),
    });
    expect(source.destroyed).toBe(true);
    await expect(store.stat("jobs/job_a/1/old")).rejects.toMatchObject({ code: "store.failed" });
    await minio.startAgain();
    expect(await store.list("jobs/")).toEqual([{ key: "jobs/job_a/1/old", bytes: 5 }]);
    expect(await text(await store.get("jobs/job_a/1/old"))).toBe("whole");
    await store.put("jobs/job_a/1/old", Readable.from(Array.from({ length: 20 }, () => mib)));
    expect(await store.stat("jobs/job_a/1/old")).toMatchObject({ bytes: 20 << 20 });
  });

  it("fails a read during which the server was killed, rather than end it early", async () => {
    await store.put("jobs/job_a/1/big", Readable.from(Array.from({ length: 64 }, () => mib)));
    const reading = await store.get("jobs/job_a/1/big");
    let bytes = 0;
    const readAll = async () => {
      for await (const piece of reading) {
        if (bytes === 0) await minio.kill();
        bytes += piece.length;
      }
    };
    await expect(readAll()).rejects.toMatchObject({ code: "store.failed" });
    expect(bytes).toBeLessThan(64 << 20);
    await minio.startAgain();
    expect((await buffer(await store.get("jobs/job_a/1/big"))).length).toBe(64 << 20);
  });

  it("gives up on a server that takes calls and does not answer", async () => {
    await store.put("jobs/job_a/1/x", "x");
    process.kill(minio.pid(), "SIGSTOP");
    try {
      const began = Date.now();
      const tried = [store.put("jobs/job_a/1/y", "y"), store.get("jobs/job_a/1/x"), store.list("jobs/")];
      for (const outcome of await Promise.allSettled(tried))
        expect(outcome).toMatchObject({ status: "rejected", reason: { code: "store.failed" } });
      expect(Date.now() - began).toBeLessThan(30_000);
    } finally {
      process.kill(minio.pid(), "SIGCONT");
    }
    expect(await text(await store.get("jobs/job_a/1/x"))).toBe("x");
  });

  it("serves a slow reader, and not one that takes nothing any more", async () => {
    await store.put("jobs/job_a/1/big", Readable.from(Array.from({ length: 32 }, () => mib)));
    const readAll = async (pauseMs: number) => {
      let [bytes, pauses] = [0, 0];
      for await (const piece of await store.get("jobs/job_a/1/big")) {
        bytes += piece.length;
        if (pauses * (6 << 20) > bytes) continue;
        pauses += 1;
        await delay(pauseMs);
      }
      return bytes;
    };
    expect(await readAll(brief.idleMs / 3)).toBe(32 << 20);
    await expect(readAll(brief.idleMs * 2)).rejects.toMatchObject({ code: "store.failed" });
  });

  it("leaves no parts behind when the source of a large object fails", async () => {
    const client = s3Client(minio.settings("winnow"));
    // MinIO lists the uploads of a whole key alone.
    const asked = new ListMultipartUploadsCommand({ Bucket: "winnow", Prefix: "jobs/job_a/1/big" });
    const uploads = async () => (await client.send(asked)).Uploads ?? [];
    let begun: unknown[] = [];
    const source = Readable.from(
      (async function* () {
        for (let n = 0; n < 30; n += 1) yield mib;
        begun = await uploads();
        throw new Error("the container went away");
      })(),
    );
    await expect(store.put("jobs/job_a/1/big", source)).rejects.toMatchObject({ code: "store.failed" });
    expect(begun).toHaveLength(1);
    expect(await uploads()).toEqual([]);
  });

  it.each([
    ["a wrong secret key", { secretAccessKey: "wrong-secret" }, "secret key"],
    ["an access key that nobody has", { accessKeyId: "nobody" }, "access key"],
    ["a bucket that is not there", { bucket: "nowhere" }, "bucket"],
    ["a port where nobody listens", { endpoint: "http://127.0.0.1:1" }, "endpoint"],
    ["a host that has no address", { endpoint: "http://nowhere.invalid:9000" }, "endpoint"],
  ])("says what to check for %s, whatever was asked", async (_, wrong, named) => {
    const lost = s3Store(minio.settings("winnow", wrong), brief);
    const calls = [
      lost.put("jobs/job_a/1/x", "x"),
      lost.put("jobs/job_a/1/x", Readable.from(Array.from({ length: 20 }, () => mib))),
      lost.get("jobs/job_a/1/x"),
      lost.stat("jobs/job_a/1/x"),
      lost.list("jobs/"),
      lost.remove("jobs/job_a/1/x"),
    ];
    for (const outcome of await Promise.allSettled(calls))
      expect(outcome).toMatchObject({ reason: { code: "store.failed", hint: expect.stringContaining(named) } });
  });

  it("says that an endpoint speaks no TLS", async () => {
    const endpoint = minio.endpoint.replace("http:", "https:");
    const listed = s3Store(minio.settings("winnow", { endpoint }), brief).list("jobs/");
    await expect(listed).rejects.toMatchObject({
      code: "store.failed",
      message: expect.stringContaining("not trusted"),
    });
  });

  it("tells no secret key in an error", async () => {
    const settings = minio.settings("winnow", { secretAccessKey: "wrong-but-secret" });
    const thrown = await s3Store(settings, brief)
      .list("jobs/")
      .catch((error) => error);
    expect(thrown).toMatchObject({ code: "store.failed" });
    const told = inspect(thrown, { depth: 10, showHidden: true });
    expect(told).not.toContain("wrong-but-secret");
    expect(told.length).toBeLessThan(10_000); // and fits into a log
  });
});

const tiny = mkdtempSync(join(tmpdir(), "winnow-full-"));
const isTinyMounted = Boolean(minioBinary()) && mountTiny();
afterAll(() => {
  if (isTinyMounted) execFileSync("umount", ["--lazy", tiny]);
  rmSync(tiny, { recursive: true });
});

// Needs the right to mount; a small file system is the only honest full disk.
describe.runIf(isTinyMounted)("a bucket on a disk that is full", () => {
  it("refuses what does not fit with disk.full, and keeps what it has", async () => {
    const dir = join(tiny, "data");
    mkdirSync(dir);
    const minio = await startMinio({ dir });
    try {
      await minio.makeBucket("winnow");
      const store = s3Store(minio.settings("winnow"), { ...s3Limits, attempts: 2 });
      await store.put("jobs/job_a/1/fits", mib);
      const tooMuch = Readable.from(Array.from({ length: 120 }, () => mib));
      await expect(store.put("jobs/job_a/1/big", tooMuch)).rejects.toMatchObject({ code: "disk.full" });
      expect(await store.list("jobs/")).toEqual([{ key: "jobs/job_a/1/fits", bytes: 1 << 20 }]);
      expect((await buffer(await store.get("jobs/job_a/1/fits"))).equals(mib)).toBe(true);
      // What was uploaded of the large one is given back, though not at once.
      await vi.waitFor(() => store.put("jobs/job_a/1/fits-again", mib), { timeout: 30_000, interval: 500 });
    } finally {
      await minio.remove();
    }
  });
});

function mountTiny(): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", tiny], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

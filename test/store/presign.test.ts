import { createHash, randomBytes, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { directoryStore } from "#api/store/directory.ts";
import { s3Store } from "#api/store/s3.ts";
import type { Store } from "#api/store/store.ts";
import { type Minio, minioBinary, startMinio } from "../minio.ts";

const key = "jobs/job_a/1/profile.json";
const content = randomBytes(100_000);
const granted = { bytes: content.length, sha256: sha256Of(content), expiresMs: 60_000 };

describe.runIf(minioBinary())("a presigned PUT", () => {
  let minio: Minio;
  let store: Store;
  let url: string;
  let headers: Record<string, string>;
  beforeAll(async () => {
    minio = await startMinio();
    await minio.makeBucket("winnow");
  });
  afterAll(() => minio.remove());
  beforeEach(async () => {
    store = s3Store(minio.settings("winnow", { prefix: randomUUID() }));
    ({ url, headers } = await grant(granted));
  });

  it("stores what was agreed, and the server vouches for its digest", async () => {
    expect((await fetch(url, { method: "PUT", headers, body: content })).status).toBe(200);
    expect(await store.stat(key)).toEqual({ bytes: content.length, sha256: granted.sha256 });
  });

  it("takes a stream of the length that was agreed", async () => {
    const body = Readable.toWeb(Readable.from([content.subarray(0, 60_000), content.subarray(60_000)]));
    const request = { method: "PUT", headers, body, duplex: "half" } as RequestInit; // lib.dom's type lacks `duplex`
    expect((await fetch(url, request)).status).toBe(200);
    expect(await store.stat(key)).toEqual({ bytes: content.length, sha256: granted.sha256 });
  });

  it("stores an empty object", async () => {
    const empty = await grant({ bytes: 0, sha256: sha256Of(Buffer.alloc(0)), expiresMs: 60_000 });
    expect((await fetch(empty.url, { method: "PUT", headers: empty.headers, body: "" })).status).toBe(200);
    expect(await store.stat(key)).toMatchObject({ bytes: 0 });
  });

  it("is refused with other content of the same length", async () => {
    await expectRefusal(fetch(url, { method: "PUT", headers, body: Buffer.alloc(content.length) }));
  });

  it("is refused with another length, whether the digest is right or not", async () => {
    const { "content-length": _, ...rest } = headers;
    for (const body of [Buffer.concat([content, content]), content.subarray(1)]) {
      await expectRefusal(fetch(url, { method: "PUT", headers: rest, body }));
      const own = { ...rest, "x-amz-checksum-sha256": createHash("sha256").update(body).digest("base64") };
      await expectRefusal(fetch(url, { method: "PUT", headers: own, body }));
    }
  });

  it("is refused with another digest or none, though it be that of the content", async () => {
    const body = Buffer.alloc(content.length);
    const own = { ...headers, "x-amz-checksum-sha256": createHash("sha256").update(body).digest("base64") };
    await expectRefusal(fetch(url, { method: "PUT", headers: own, body }));
    const { "x-amz-checksum-sha256": _, ...without } = headers;
    await expectRefusal(fetch(url, { method: "PUT", headers: without, body: content }));
  });

  it("is refused for another key and another method", async () => {
    const otherKey = url.replace("profile.json", "report.json");
    await expectRefusal(fetch(otherKey, { method: "PUT", headers, body: content }));
    expect(await store.stat("jobs/job_a/1/report.json")).toBeUndefined();
    await store.put(key, "whole");
    expect((await fetch(url, { method: "DELETE" })).ok).toBe(false);
    expect((await fetch(url)).ok).toBe(false);
    expect(await store.stat(key)).toMatchObject({ bytes: 5 });
  });

  it("is refused when its time is over", async () => {
    const brief = await grant({ ...granted, expiresMs: 1 });
    await delay(2_100);
    await expectRefusal(fetch(brief.url, { method: "PUT", headers: brief.headers, body: content }));
  });

  it.each([-1, 1, 30 * 24])(
    "is good though our clock goes %i hours wrong, before or after the first one",
    async (hours) => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + hours * 3_600_000 });
      try {
        for (const again of [s3Store(minio.settings("winnow", { prefix: randomUUID() })), store]) {
          const late = await again.presignPut?.(key, granted);
          expect((await fetch(late?.url ?? "", { method: "PUT", headers: late?.headers, body: content })).status).toBe(
            200,
          );
          const read = await again.presignGet?.(key, { expiresMs: 60_000, fileName: "x", mediaType: "text/plain" });
          expect((await fetch(read ?? "")).status).toBe(200);
        }
      } finally {
        vi.useRealTimers();
      }
    },
  );

  it("is not given above 5 GiB, for a bad key or a life beyond seven days", async () => {
    const above = grant({ ...granted, bytes: 5 * 1024 ** 3 + 1 });
    await expect(above).rejects.toMatchObject({ code: "request.invalid", hint: expect.stringContaining("parts") });
    await expect(store.presignPut?.("../x", granted)).rejects.toMatchObject({ code: "store.failed" });
    const long = await grant({ ...granted, expiresMs: 30 * 24 * 3_600_000 });
    expect(new URL(long.url).searchParams.get("X-Amz-Expires")).toBe(String(7 * 24 * 3_600));
  });

  it("has size and digest in its signature, for servers that check nothing else", () => {
    const signed = new URL(url).searchParams.get("X-Amz-SignedHeaders");
    expect(signed).toBe("content-length;host;x-amz-checksum-sha256");
  });

  it("names the public endpoint, and tells no secret", async () => {
    const settings = minio.settings("winnow", { publicEndpoint: "https://s3.example.org" });
    const given = await s3Store(settings).presignPut?.(key, granted);
    expect(new URL(given?.url ?? "").origin).toBe("https://s3.example.org");
    expect(given?.url).not.toContain(settings.secretAccessKey);
  });

  describe("and a presigned GET", () => {
    const asked = { expiresMs: 60_000, fileName: 'Bericht "ü".json', mediaType: "application/json" };
    beforeEach(async () => {
      await store.put(key, content);
      url = (await store.presignGet?.(key, asked)) ?? "";
    });

    it("gives the object under the name and type that were asked for", async () => {
      const answer = await fetch(url);
      expect(Buffer.from(await answer.arrayBuffer()).equals(content)).toBe(true);
      expect(answer.headers.get("content-type")).toBe("application/json");
      expect(answer.headers.get("content-disposition")).toBe(
        "attachment; filename=\"Bericht ___.json\"; filename*=UTF-8''Bericht%20%22%C3%BC%22.json",
      );
    });

    it("gives a part of it by Range", async () => {
      const answer = await fetch(url, { headers: { range: "bytes=10-19" } });
      expect(answer.status).toBe(206);
      expect(Buffer.from(await answer.arrayBuffer()).equals(content.subarray(10, 20))).toBe(true);
    });

    it("is refused for another key, another name and after its time", async () => {
      await store.put("jobs/job_a/1/report.json", "secret");
      expect((await fetch(url.replace("profile.json", "report.json"))).status).toBe(403);
      expect((await fetch(url.replace("Bericht", "Gedicht"))).status).toBe(403);
      const brief = (await store.presignGet?.(key, { ...asked, expiresMs: 1 })) ?? "";
      await delay(2_100);
      expect((await fetch(brief)).status).toBe(403);
    });
  });

  async function grant(asked: typeof granted) {
    const given = await store.presignPut?.(key, asked);
    if (!given) throw new Error("no grant");
    return given;
  }

  async function expectRefusal(asked: Promise<Response>): Promise<void> {
    const { status } = await asked;
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(await store.stat(key)).toBeUndefined();
  }
});

it("a directory gives no presigned URLs", () => {
  const store = directoryStore("/nowhere");
  expect([store.presignPut, store.presignGet]).toEqual([undefined, undefined]);
});

function sha256Of(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

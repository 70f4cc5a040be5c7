import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkStore, type StoreCheck } from "#api/store/check-store.ts";
import { directoryStore } from "#api/store/directory.ts";
import { s3Store } from "#api/store/s3.ts";
import type { Store } from "#api/store/store.ts";
import { type Minio, minioBinary, startMinio } from "../minio.ts";

const objects = ["put", "head", "get", "range", "list", "multipart"];
const grants = ["presigned put", "presigned put of other content", "presigned put of another length", "presigned get"];

describe("a check of a directory", () => {
  const root = mkdtempSync(join(tmpdir(), "winnow-check-"));
  afterAll(() => rmSync(root, { recursive: true }));

  it("tries everything that a directory does", async () => {
    const checks = await checkStore(directoryStore(root));
    expect(failed(checks)).toEqual([]);
    expect(checks.map(({ operation }) => operation)).toEqual([...objects, "delete"]);
  });

  it.each([
    ["range", { get: (store: Store) => (key: string) => store.get(key) }],
    ["list", { list: () => async () => [] }],
    ["delete", { remove: () => async () => {} }],
  ] as const)("names %s when that alone is wrong", async (operation, faults) => {
    const store = directoryStore(root);
    const broken = Object.fromEntries(Object.entries(faults).map(([name, fault]) => [name, fault(store)]));
    expect(failed(await checkStore({ ...store, ...broken })).map((check) => check.operation)).toEqual([operation]);
  });
});

describe.runIf(minioBinary())("a check of a bucket", () => {
  let minio: Minio;
  beforeAll(async () => {
    minio = await startMinio();
    await minio.makeBucket("winnow");
  });
  afterAll(() => minio.remove());

  it("tries everything, presigned URLs too, and leaves nothing", async () => {
    const store = s3Store(minio.settings("winnow"));
    const checks = await checkStore(store);
    expect(failed(checks)).toEqual([]);
    expect(checks.map(({ operation }) => operation)).toEqual([...objects, ...grants, "delete"]);
    expect(await store.list("jobs/")).toEqual([]);
  });

  it("says of each operation that there is no bucket", async () => {
    const checks = await checkStore(s3Store(minio.settings("nowhere")));
    expect(checks.filter(({ ok }) => ok).map(({ operation }) => operation)).toEqual([]);
    expect(checks[0]?.message).toContain("there is no bucket nowhere");
  });

  it("sees a server whose presigned URLs do not bind", async () => {
    const store = s3Store(minio.settings("winnow"));
    const loose: Store = {
      ...store,
      // As from a server that does not look at what was signed: the grant fits whatever is sent.
      presignPut: async (key, grant) => {
        const zeros = createHash("sha256").update(Buffer.alloc(grant.bytes)).digest("hex");
        const sha256 = key.endsWith("other") ? zeros : grant.sha256;
        return (await store.presignPut?.(key, { ...grant, sha256 })) ?? { url: "", headers: {} };
      },
    };
    expect(failed(await checkStore(loose)).map((check) => check.operation)).toEqual(["presigned put of other content"]);
  });
});

function failed(checks: StoreCheck[]): StoreCheck[] {
  return checks.filter(({ ok }) => !ok);
}

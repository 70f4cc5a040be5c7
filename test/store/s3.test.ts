import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe } from "vitest";
import { s3Store } from "#api/store/s3.ts";
import { describeStore } from "#api/store/store-contract.ts";
import { type Minio, minioBinary, startMinio } from "../minio.ts";

describe.runIf(minioBinary())("on a MinIO server", () => {
  let minio: Minio;
  beforeAll(async () => {
    minio = await startMinio();
    await minio.makeBucket("winnow");
  });
  afterAll(() => minio.remove());

  describeStore("a bucket as the store", async () =>
    s3Store(minio.settings("winnow", { prefix: `case/${randomUUID()}` })),
  );
});

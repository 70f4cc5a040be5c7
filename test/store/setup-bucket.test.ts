import { Client } from "minio";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { s3Store } from "#api/store/s3.ts";
import { setupBucket } from "#api/store/setup-bucket.ts";
import { type Minio, minioBinary, rootKeys, startMinio } from "../minio.ts";
import { startS3Proxy } from "../s3-proxy.ts";

describe.runIf(minioBinary())("the set-up of a bucket", () => {
  let minio: Minio;
  let client: Client;
  beforeAll(async () => {
    minio = await startMinio();
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = rootKeys;
    const { hostname, port } = new URL(minio.endpoint);
    client = new Client({ endPoint: hostname, port: Number(port), useSSL: false, accessKey, secretKey });
  });
  afterAll(() => minio.remove());

  it("makes it once, and it can be used at once", async () => {
    const settings = minio.settings("fresh");
    expect(await setupBucket(settings)).toMatchObject({ bucket: "made", rules: "refused" });
    await s3Store(settings).put("jobs/job_a/1/x", "kept");
    expect(await setupBucket(settings)).toMatchObject({ bucket: "was there", rules: "refused" });
    expect(await s3Store(settings).list("jobs/")).toEqual([{ key: "jobs/job_a/1/x", bytes: 4 }]);
  });

  it("has objects expire only when asked to, and no more when asked no more", async () => {
    const settings = minio.settings("expiring", { prefix: "winnow/" });
    expect(await setupBucket(settings, { expireDays: 30 })).toMatchObject({ bucket: "made", rules: "set" });
    expect(await rulesOf("expiring")).toMatchObject([
      { ID: "winnow-expiry", Expiration: { Days: 30 }, Filter: { Prefix: "winnow/" } },
    ]);
    expect(await setupBucket(settings, { expireDays: 30 })).toMatchObject({ bucket: "was there", rules: "were set" });
    expect(await setupBucket(settings, { expireDays: 60 })).toMatchObject({ rules: "set" });
    expect(await rulesOf("expiring")).toMatchObject([{ Expiration: { Days: 60 } }]);
    await setupBucket(settings);
    await expect(rulesOf("expiring")).rejects.toMatchObject({ code: "NoSuchLifecycleConfiguration" });
  });

  it("asks a server that knows such rules to drop what was not finished within a day, once", async () => {
    await minio.makeBucket("ruled");
    const proxy = await startS3Proxy(minio.endpoint);
    const written: string[] = [];
    proxy.meddle(({ method, path, body }) => {
      if (!path.includes("lifecycle")) return "pass";
      if (method === "PUT") written.push(String(body));
      const [rules] = written;
      return rules ? { status: 200, body: rules } : "pass";
    });
    const settings = minio.settings("ruled", { endpoint: proxy.endpoint });
    try {
      expect(await setupBucket(settings)).toMatchObject({ rules: "set" });
      expect(await setupBucket(settings)).toMatchObject({ rules: "were set" });
    } finally {
      await proxy.close();
    }
    expect(written).toEqual([
      "<LifecycleConfiguration><Rule><ID>winnow-unfinished-uploads</ID><Status>Enabled</Status><Filter><Prefix/></Filter>" +
        "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>" +
        "</Rule></LifecycleConfiguration>",
    ]);
  });

  it("leaves rules that are not ours", async () => {
    const theirs = { ID: "theirs", Status: "Enabled", Filter: { Prefix: "logs/" }, Expiration: { Days: 7 } };
    await minio.makeBucket("shared");
    // The package's type wants fields of versions too.
    await client.setBucketLifecycle("shared", { Rule: [theirs as never] });
    expect(await setupBucket(minio.settings("shared"), { expireDays: 1 })).toMatchObject({ rules: "left" });
    expect(await rulesOf("shared")).toMatchObject([theirs]);
  });

  it("serves two set-ups at once", async () => {
    const settings = minio.settings("raced");
    const both = await Promise.all([setupBucket(settings), setupBucket(settings)]);
    expect(both.map(({ bucket }) => bucket)).toContain("made");
  });

  it("says what to check: keys, endpoint, an answer that never comes", async () => {
    const failure = async (more: object, timeoutMs?: number) =>
      setupBucket(minio.settings("none", more), { timeoutMs }).catch((thrown) => thrown);
    expect(await failure({ secretAccessKey: "wrong" })).toMatchObject({
      code: "store.failed",
      hint: expect.stringContaining("key"),
    });
    expect(await failure({ accessKeyId: "nobody" })).toMatchObject({ hint: expect.stringContaining("key") });
    expect(await failure({ endpoint: "http://127.0.0.1:1" })).toMatchObject({
      code: "store.failed",
      hint: expect.stringContaining("endpoint"),
    });
    process.kill(minio.pid(), "SIGSTOP");
    try {
      expect(await failure({}, 500)).toMatchObject({ hint: expect.stringContaining("endpoint") });
    } finally {
      process.kill(minio.pid(), "SIGCONT");
    }
  });

  async function rulesOf(bucket: string): Promise<unknown[]> {
    return [(await client.getBucketLifecycle(bucket))?.Rule].flat();
  }
});

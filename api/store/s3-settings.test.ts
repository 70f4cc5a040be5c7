import { describe, expect, it } from "vitest";
import { S3Settings } from "./s3-settings.ts";

const least = { endpoint: "http://127.0.0.1:9000", bucket: "winnow", accessKeyId: "a", secretAccessKey: "s" };

describe("the settings of an S3 store", () => {
  it("need an endpoint, a bucket and keys, and have defaults for the rest", () => {
    expect(S3Settings.parse(least)).toEqual({
      ...least,
      region: "us-east-1",
      prefix: "",
      forcePathStyle: true,
      checksum: "when_required",
    });
    expect(S3Settings.safeParse({}).error?.issues.map(({ path }) => path.join("."))).toEqual([
      "endpoint",
      "bucket",
      "accessKeyId",
      "secretAccessKey",
    ]);
  });

  it.each([
    ["", ""],
    ["winnow", "winnow/"],
    ["a/b.c/", "a/b.c/"],
  ])("take the prefix %j as %j", (prefix, wanted) => {
    expect(S3Settings.parse({ ...least, prefix }).prefix).toBe(wanted);
  });

  it.each(["/", "/a", "a//b", "../x", "a/../b", "a b", "a\n"])("refuse the prefix %j", (prefix) => {
    expect(S3Settings.safeParse({ ...least, prefix }).success).toBe(false);
  });

  it.each(["http://[::1]:9000", "https://s3.eu-central-1.amazonaws.com", "https://s3.example.org/"])(
    "take the endpoint %s",
    (endpoint) => {
      expect(S3Settings.parse({ ...least, endpoint }).endpoint).toBe(new URL(endpoint).origin);
    },
  );

  it.each([
    "127.0.0.1:9000",
    "s3.example.org",
    "ftp://s3.example.org",
    "https://s3.example.org/path",
    "https://s3.example.org/?x=1",
    "https://key:secret@s3.example.org",
    "",
  ])("refuse the endpoint %j", (endpoint) => {
    expect(S3Settings.safeParse({ ...least, endpoint }).success).toBe(false);
    expect(S3Settings.safeParse({ ...least, publicEndpoint: endpoint }).success).toBe(false);
  });

  it.each(["ab", "UPPER", "under_score", "-a-b", "a/b", "x".repeat(64)])("refuse the bucket %j", (bucket) => {
    expect(S3Settings.safeParse({ ...least, bucket }).success).toBe(false);
  });
});

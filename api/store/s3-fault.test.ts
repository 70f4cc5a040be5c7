import { describe, expect, it } from "vitest";
import { WinnowError } from "#contract/error.ts";
import { s3Fault } from "./s3-fault.ts";

const place = { endpoint: "http://s3.example:9000", bucket: "winnow", region: "us-east-1" };

/** As the SDK throws them: the S3 code is the name. */
function answered(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error("told by the server."), { name, $metadata: { httpStatusCode } });
}

describe("a fault of an S3 server", () => {
  it.each([
    ["NoSuchKey", 404, "store.failed", "it is not there"],
    ["NoSuchBucket", 404, "store.failed", "there is no bucket winnow"],
    ["InvalidAccessKeyId", 403, "store.failed", "refuses the keys"],
    ["SignatureDoesNotMatch", 403, "store.failed", "refuses the keys"],
    ["AccessDenied", 403, "store.failed", "refuses access"],
    ["RequestTimeTooSkewed", 403, "store.failed", "clocks differ"],
    ["PermanentRedirect", 301, "store.failed", "not in region us-east-1"],
    ["AuthorizationHeaderMalformed", 400, "store.failed", "not in region us-east-1"],
    ["BucketAlreadyExists", 409, "store.failed", "belongs to someone else"],
    ["XMinioStorageFull", 507, "disk.full", "no room to store jobs/job_a/1/x"],
    ["XMinioAdminBucketQuotaExceeded", 400, "disk.full", "no room to store jobs/job_a/1/x"],
    ["Unknown", 507, "disk.full", "no room to store jobs/job_a/1/x"],
    ["InternalError", 500, "store.failed", "told by the server."],
  ])("that is %s (%d) is %s and says: %s", (name, status, code, words) => {
    const fault = s3Fault(place, "jobs/job_a/1/x", answered(name, status));
    expect(fault).toMatchObject({
      code,
      message: expect.stringContaining(words),
      hint: expect.stringMatching(/^[A-Z].*\.$/),
    });
    expect(fault.message).not.toContain("..");
  });

  it("is a full disk when the server has only the system's words for it", () => {
    const thrown = Object.assign(new Error("We encountered an internal error: cause(no space left on device)."), {
      name: "InternalError",
      $metadata: { httpStatusCode: 500 },
    });
    expect(s3Fault(place, "jobs/job_a/1/x", thrown).code).toBe("disk.full");
  });

  it.each([
    ["ECONNREFUSED", "no answer from http://s3.example:9000"],
    ["ENOTFOUND", "no answer from http://s3.example:9000"],
    ["ECONNRESET", "no answer from http://s3.example:9000"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "is not trusted"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "is not trusted"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "is not trusted"],
  ])("of the connection, %s, says: %s", (code, words) => {
    const thrown = Object.assign(new Error(`connect ${code}`), { code });
    expect(s3Fault(place, "jobs/", thrown)).toMatchObject({
      code: "store.failed",
      message: expect.stringContaining(words),
    });
  });

  it("of our own is passed on, and one without any words is said too", () => {
    const own = new WinnowError("job.canceled", "The job was cancelled.", "Submit it again.");
    expect(s3Fault(place, "jobs/", own)).toBe(own);
    expect(s3Fault(place, "jobs/", undefined)).toMatchObject({ code: "store.failed" });
    expect(s3Fault(place, "jobs/", "a string")).toMatchObject({ message: expect.stringContaining("a string") });
  });

  it("keeps what the server said as its cause, without the connection", () => {
    const thrown = Object.assign(answered("InternalError", 500), { $response: { body: "x".repeat(50_000) } });
    const { cause } = s3Fault(place, "jobs/", thrown);
    expect(cause).toMatchObject({
      name: "InternalError",
      message: "told by the server.",
      metadata: { httpStatusCode: 500 },
    });
    expect(cause).not.toHaveProperty("$response");
  });
});

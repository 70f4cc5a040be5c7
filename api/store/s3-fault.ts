import { WinnowError } from "#contract/error.ts";
import type { S3Settings } from "./s3-settings.ts";

type Place = Pick<S3Settings, "endpoint" | "bucket" | "region">;

const unreachable = new Set([
  ...["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN"],
  ...["TimeoutError", "AbortError", "ERR_STREAM_PREMATURE_CLOSE"],
]);
const untrusted = /^(ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY)_|CERT_)|^ERR_SSL_|^EPROTO$/;
const wrongKeys = new Set(["InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthorizationQueryParametersError"]);
const full = new Set(["XMinioStorageFull", "InsufficientCapacity", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded"]);
const elsewhere = new Set(["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"]);

/** What a client of an S3 server threw, said so that an operator knows what to check. `what` is a key or what was tried. */
export function s3Fault({ endpoint, bucket, region }: Place, what: string, thrown: unknown): WinnowError {
  if (thrown instanceof WinnowError) return thrown;
  const cause = causeOf(thrown);
  const { codes, status, message } = detailsOf(thrown);
  const has = (known: Set<string>) => codes.some((code) => known.has(code));
  const failed = (why: string, hint: string) =>
    new WinnowError("store.failed", `The store could not handle ${what}: ${why}.`, hint, cause);
  // MinIO finds out either before it writes, and has a code for it, or while it does, and has only the system's words.
  if (status === 507 || has(full) || /no space left on device/i.test(message)) {
    const hint = "Free space on the object store, or raise the bucket's quota.";
    return new WinnowError("disk.full", `There is no room to store ${what} in bucket ${bucket}.`, hint, cause);
  }
  if (codes.includes("NoSuchBucket"))
    return failed(`there is no bucket ${bucket}`, "Make the bucket, or check its name in the S3 settings.");
  if (codes.includes("NoSuchKey")) return failed("it is not there", "It was removed, or never stored.");
  if (codes.includes("RequestTimeTooSkewed"))
    return failed("the clocks differ too much", "Set the clocks of this host and of the object store.");
  if (has(wrongKeys)) return failed(`${endpoint} refuses the keys`, "Check the access key and the secret key.");
  if (has(elsewhere) || status === 301)
    return failed(
      `bucket ${bucket} is not in region ${region}`,
      "Check the region and the endpoint in the S3 settings.",
    );
  if (codes.includes("BucketAlreadyExists"))
    return failed(`bucket ${bucket} belongs to someone else`, "Choose another name for the bucket in the S3 settings.");
  if (status === 401 || status === 403 || codes.includes("AccessDenied")) {
    const hint = `Check the access key and the secret key, and that they may read, write, list and remove in bucket ${bucket}.`;
    return failed(`${endpoint} refuses access`, hint);
  }
  if (codes.some((code) => untrusted.test(code)))
    return failed(
      `${endpoint} is not trusted (${message})`,
      "Check its certificate; NODE_EXTRA_CA_CERTS names own authorities.",
    );
  if (has(unreachable))
    return failed(
      `no answer from ${endpoint} (${message})`,
      "Check that the object store runs and that the endpoint is right.",
    );
  return failed(message, `Look at the health and the log of the object store at ${endpoint}.`);
}

/** The SDK's errors hold the connection and all buffers, which would make a log line of 40 kB. */
function causeOf(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !("$response" in thrown)) return thrown;
  const { name, message, stack } = thrown;
  const metadata = "$metadata" in thrown ? thrown.$metadata : undefined;
  return Object.assign(new Error(message), { name, stack, metadata });
}

/** The names that the two clients and Node give to an error, outermost first, the HTTP status, and words for people. */
function detailsOf(thrown: unknown): { codes: string[]; status: number | undefined; message: string } {
  const error = (thrown ?? {}) as Record<string, unknown>; // any of the fields may be missing
  const nested = (error.$metadata ?? {}) as Record<string, unknown>;
  const codes = [error.name, error.Code, error.code].filter((one) => typeof one === "string");
  const status = nested.httpStatusCode ?? error.statusCode;
  const words = thrown instanceof Error && thrown.message ? thrown.message : (codes.at(-1) ?? String(thrown));
  return { codes, status: typeof status === "number" ? status : undefined, message: words.replace(/\.$/, "") };
}

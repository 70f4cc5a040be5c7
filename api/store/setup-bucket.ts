import http from "node:http";
import https from "node:https";
import { Client, type LifecycleRule } from "minio";
import { s3Fault } from "./s3-fault.ts";
import type { S3Settings } from "./s3-settings.ts";

const unfinishedRule = "winnow-unfinished-uploads";
const expiryRule = "winnow-expiry";

/** How a server says that it does not know a rule, or no rules at all. */
const refusals = new Set(["InvalidArgument", "MalformedXML", "NotImplemented", "MethodNotAllowed"]);

export type BucketSetup = {
  bucket: "made" | "was there";
  /** `refused`: the server has no such rules. `left`: the bucket has rules that are not ours, which we do not write over. */
  rules: "set" | "were set" | "refused" | "left";
  /** What an operator should know or do, in a sentence. */
  message: string;
};

/**
 * Makes the bucket where it is missing, and has the server drop what was uploaded in parts and not finished within a day.
 * Stored objects stay until Winnow removes them, unless `expireDays` is given. A second call changes nothing.
 * Throws `store.failed` when the server, the keys or the bucket are wrong.
 */
export async function setupBucket(
  settings: S3Settings,
  { expireDays, timeoutMs = 30_000 }: { expireDays?: number; timeoutMs?: number } = {},
): Promise<BucketSetup> {
  const client = connect(settings, timeoutMs);
  try {
    const bucket = await makeBucket(client, settings);
    return { bucket, ...(await setRules(client, settings, expireDays)) };
  } catch (thrown) {
    throw s3Fault(settings, `the set-up of bucket ${settings.bucket}`, thrown);
  }
}

function connect(settings: S3Settings, timeoutMs: number): Client {
  const { protocol, hostname, port } = new URL(settings.endpoint);
  const useSSL = protocol === "https:";
  return new Client({
    endPoint: hostname.replace(/^\[|\]$/g, ""),
    port: port ? Number(port) : useSSL ? 443 : 80,
    useSSL,
    accessKey: settings.accessKeyId,
    secretKey: settings.secretAccessKey,
    region: settings.region,
    pathStyle: settings.forcePathStyle,
    transport: { request: requestWithin(useSSL ? https : http, AbortSignal.timeout(timeoutMs)) },
    retryOptions: { disableRetry: true }, // it tells the console of each; and a set-up can be called again
  });
}

/** The package knows no time limit of its own. Its type for this is that of Node's function, with all its forms. */
function requestWithin({ request }: typeof http | typeof https, signal: AbortSignal): typeof http.request {
  const asked = (options: https.RequestOptions, answered?: (response: http.IncomingMessage) => void) =>
    request({ ...options, signal }, answered);
  return asked as typeof http.request; // the package uses this one form
}

async function makeBucket(client: Client, { bucket, region }: S3Settings): Promise<BucketSetup["bucket"]> {
  if (await client.bucketExists(bucket)) return "was there";
  try {
    await client.makeBucket(bucket, region);
    return "made";
  } catch (thrown) {
    if (codeOf(thrown) === "BucketAlreadyOwnedByYou") return "was there"; // another set-up was faster
    throw thrown;
  }
}

async function setRules(
  client: Client,
  { bucket, prefix }: S3Settings,
  expireDays: number | undefined,
): Promise<Pick<BucketSetup, "rules" | "message">> {
  const wanted = rulesOf(prefix, expireDays);
  const there = await rulesOfBucket(client, bucket);
  const ids = there.map(({ ID }) => ID);
  if (ids.some((id) => id !== unfinishedRule && id !== expiryRule)) {
    // Not written back beside ours: the package reads a rule loosely ("007" as 7), and might change what it says.
    return { rules: "left", message: `Bucket ${bucket} has lifecycle rules of its own, which were left as they are.` };
  }
  if (isSame(there, wanted)) return { rules: "were set", message: words(expireDays) };
  try {
    await client.setBucketLifecycle(bucket, { Rule: wanted });
    return { rules: "set", message: words(expireDays) };
  } catch (thrown) {
    if (!refusals.has(codeOf(thrown) ?? "")) throw thrown;
  }
  return await setExpiryAlone(client, bucket, there, wanted);
}

/** MinIO refuses a rule that is only about unfinished uploads: it removes those after a day without being told. */
async function setExpiryAlone(
  client: Client,
  bucket: string,
  there: LifecycleRule[],
  wanted: LifecycleRule[],
): Promise<Pick<BucketSetup, "rules" | "message">> {
  const message =
    "The server takes no rule for unfinished uploads: see that it removes them by itself, as MinIO does after a day.";
  const expiry = wanted.filter(({ ID }) => ID === expiryRule);
  if (isSame(there, expiry)) return { rules: expiry.length > 0 ? "were set" : "refused", message };
  await client.setBucketLifecycle(bucket, expiry.length > 0 ? { Rule: expiry } : null);
  return { rules: expiry.length > 0 ? "set" : "refused", message };
}

function rulesOf(prefix: string, expireDays: number | undefined): LifecycleRule[] {
  const common = { Status: "Enabled", Filter: { Prefix: prefix } };
  const unfinished = { ID: unfinishedRule, ...common, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } };
  const expiry = { ID: expiryRule, ...common, Expiration: { Days: expireDays } } as LifecycleRule; // its other fields are for versions
  return expireDays === undefined ? [unfinished] : [unfinished, expiry];
}

async function rulesOfBucket(client: Client, bucket: string): Promise<LifecycleRule[]> {
  try {
    const { Rule = [] } = (await client.getBucketLifecycle(bucket)) ?? {};
    return [Rule].flat(); // the package's type is a list, and one rule is none
  } catch (thrown) {
    if (codeOf(thrown) === "NoSuchLifecycleConfiguration" || refusals.has(codeOf(thrown) ?? "")) return [];
    throw thrown;
  }
}

/** Compares what our rules say and nothing else, as servers give fields that were never set. */
function isSame(one: LifecycleRule[], other: LifecycleRule[]): boolean {
  const said = (rules: LifecycleRule[]) =>
    rules
      .map(({ ID, Status, Filter, AbortIncompleteMultipartUpload: unfinished, Expiration: expiry }) =>
        [ID, Status, Filter?.Prefix ?? "", unfinished?.DaysAfterInitiation ?? "", expiry?.Days ?? ""].join("|"),
      )
      .sort()
      .join("\n");
  return said(one) === said(other);
}

function words(expireDays: number | undefined): string {
  const kept = expireDays === undefined ? "Nothing else expires." : `Objects expire after ${expireDays} days.`;
  return `Uploads that were not finished within a day are removed. ${kept}`;
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
}

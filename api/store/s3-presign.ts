import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { WinnowError } from "#contract/error.ts";
import type { GetGrant, PutGrant } from "./store.ts";

/** S3's limits: the largest object of one PUT, and the longest life of a signature. */
const largestPutBytes = 5 * 1024 ** 3;
const longestSeconds = 7 * 24 * 60 * 60;

type ObjectPlace = { Bucket: string; Key: string };

/** `Store.presignPut`: size and digest are in the signature, so that the server takes these bytes or none. `signingDate` is the store's. */
export async function presignPut(
  client: S3Client,
  object: ObjectPlace,
  { bytes, sha256, expiresMs, signingDate }: PutGrant & { signingDate: Date },
) {
  if (bytes > largestPutBytes)
    throw new WinnowError(
      "request.invalid",
      `${bytes} bytes are more than the 5 GiB that one PUT to the store carries.`,
      "Send it through the API, which stores it in parts.",
    );
  const checksum = Buffer.from(sha256, "hex").toString("base64");
  const command = new PutObjectCommand({ ...object, ContentLength: bytes, ChecksumSHA256: checksum });
  const url = await getSignedUrl(client, command, {
    signingDate,
    expiresIn: secondsOf(expiresMs),
    signableHeaders: new Set(["host", "content-length", "x-amz-checksum-sha256"]),
    // As a header, where every server checks it; in the query, where the presigner would put it, only some do.
    unhoistableHeaders: new Set(["x-amz-checksum-sha256"]),
  });
  return { url, headers: { "content-length": String(bytes), "x-amz-checksum-sha256": checksum } };
}

/** `Store.presignGet`. */
export async function presignGet(
  client: S3Client,
  object: ObjectPlace,
  { expiresMs, fileName, mediaType, signingDate }: GetGrant & { signingDate: Date },
) {
  const command = new GetObjectCommand({
    ...object,
    ResponseContentDisposition: attachment(fileName),
    ResponseContentType: mediaType,
  });
  return await getSignedUrl(client, command, { signingDate, expiresIn: secondsOf(expiresMs) });
}

function secondsOf(expiresMs: number): number {
  return Math.min(longestSeconds, Math.max(1, Math.ceil(expiresMs / 1000)));
}

/** RFC 6266: a plain name for old readers, and the exact one. */
function attachment(fileName: string): string {
  const plain = fileName.replace(/[^A-Za-z0-9._ -]/g, "_");
  const exact = encodeURIComponent(fileName).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}

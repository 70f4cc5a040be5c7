import { S3Client } from "@aws-sdk/client-s3";
import type { S3Settings } from "./s3-settings.ts";

/** How long one call may take before the store counts as failed. */
export type S3Limits = {
  connectMs: number;
  /** Between two bytes, in either direction; so also for a reader that takes nothing. */
  idleMs: number;
  /** From the request's first byte to the answer's first: what a part of 8 MiB may need to be sent. */
  answerMs: number;
  attempts: number;
};

export const s3Limits: S3Limits = { connectMs: 5_000, idleMs: 60_000, answerMs: 180_000, attempts: 3 };

/** A client for one endpoint of the settings. It opens no connection by itself. */
export function s3Client(settings: S3Settings, { endpoint = settings.endpoint, limits = s3Limits } = {}): S3Client {
  const checksums = settings.checksum === "when_supported" ? "WHEN_SUPPORTED" : "WHEN_REQUIRED";
  const agent = { maxSockets: 128, keepAlive: true };
  return new S3Client({
    endpoint,
    region: settings.region,
    forcePathStyle: settings.forcePathStyle,
    credentials: { accessKeyId: settings.accessKeyId, secretAccessKey: settings.secretAccessKey },
    requestChecksumCalculation: checksums,
    responseChecksumValidation: checksums,
    maxAttempts: limits.attempts,
    requestHandler: {
      connectionTimeout: limits.connectMs,
      socketTimeout: limits.idleMs,
      requestTimeout: limits.answerMs,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}

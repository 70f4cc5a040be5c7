import { z } from "zod";

/** Scheme, host and port alone: a path or a query would be lost by one of the clients, and keys have fields of their own. */
const Endpoint = z
  .url({ protocol: /^https?$/ })
  .refine(
    (url) => URL.canParse(url) && new URL(url).origin === url.replace(/\/$/, ""),
    "must be a scheme, a host and a port, such as http://127.0.0.1:9000",
  )
  .transform((url) => url.replace(/\/$/, ""));

/** What is needed to reach a bucket of an S3 server. docs/storage.md says what each field does. */
export const S3Settings = z.strictObject({
  endpoint: Endpoint,
  /** Where those who are given a presigned URL find the server, when they do not find it at `endpoint`. */
  publicEndpoint: Endpoint.optional(),
  region: z.string().min(1).default("us-east-1"),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "must be 3 to 63 small letters, digits, dots and dashes"),
  /** Goes before each key: several installations can share a bucket. */
  prefix: z
    .string()
    .max(200)
    .regex(/^([A-Za-z0-9][A-Za-z0-9._-]*(\/|$))*$/, "must be names of letters, digits, dots and dashes between slashes")
    .transform((prefix) => (prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`))
    .default(""),
  accessKeyId: z.string().min(1),
  secretAccessKey: z.string().min(1),
  /** The bucket stands in the path and not in the host name; most servers outside of AWS want that. */
  forcePathStyle: z.boolean().default(true),
  /** `when_supported` adds a CRC32 to each upload, which servers other than AWS and MinIO may not know. */
  checksum: z.enum(["when_required", "when_supported"]).default("when_required"),
});
export type S3Settings = z.infer<typeof S3Settings>;

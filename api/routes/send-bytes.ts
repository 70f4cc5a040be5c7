import { Readable } from "node:stream";
import type { Context } from "hono";
import type { AppEnv } from "../app-env.ts";
import type { ByteRange } from "../store/store.ts";
import { OutOfRange, rangeOf } from "./range.ts";

type Bytes = {
  size: number;
  /** Names exactly these bytes, with its quotes; undefined while they may grow. */
  etag?: string;
  fileName: string;
  mediaType: string;
  read(range?: ByteRange): Promise<Readable>;
};

/**
 * Sends bytes whose content came from an image: nothing in a browser is to run them, or to take them for a page. Whole, a part of
 * them (206), or not again (304). Throws `request.out-of-range`.
 */
export async function sendBytes(
  c: Context<AppEnv>,
  { size, etag, fileName, mediaType, read }: Bytes,
): Promise<Response> {
  c.header("content-disposition", `attachment; filename="${fileName}"`);
  c.header("content-security-policy", "sandbox; default-src 'none'");
  c.header("accept-ranges", "bytes");
  if (etag !== undefined) {
    c.header("etag", etag);
    c.header("cache-control", "private, max-age=31536000, immutable");
    if (matches(c.req.header("if-none-match"), etag)) return c.body(null, 304);
  }
  const isOther = etag !== undefined && c.req.header("if-range") !== undefined && c.req.header("if-range") !== etag;
  const range = isOther ? undefined : askedRange(c, size);
  c.header("content-type", mediaType);
  c.header("content-length", String(range ? range.end - range.start + 1 : size));
  if (range) c.header("content-range", `bytes ${range.start}-${range.end}/${size}`);
  const status = range ? 206 : 200;
  if (c.req.method === "HEAD" || size === 0) return c.body(null, status);
  return c.body(toWeb(await read(range)), status);
}

function askedRange(c: Context<AppEnv>, size: number): ByteRange | undefined {
  try {
    return rangeOf(c.req.header("range"), size);
  } catch (thrown) {
    if (thrown instanceof OutOfRange) c.header("content-range", `bytes */${size}`);
    throw thrown;
  }
}

/** RFC 9110, 13.1.2. */
export function matches(header: string | undefined, etag: string): boolean {
  const asked = (header ?? "").split(",").map((one) => one.trim().replace(/^W\//, ""));
  return asked.includes(etag) || asked.includes("*");
}

export function toWeb(stream: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>; // Node's own type of the same thing
}

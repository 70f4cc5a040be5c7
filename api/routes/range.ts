import { WinnowError } from "#contract/error.ts";
import type { ByteRange } from "../store/store.ts";

/**
 * What a `Range` header asks of `size` bytes (RFC 9110, 14.2), positions of the first and the last byte. Undefined where the whole
 * is to be sent: without one, for other units, for several ranges and for what is none. Throws `request.out-of-range`.
 */
export function rangeOf(header: string | undefined, size: number): ByteRange | undefined {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  const isSuffix = first === "";
  const start = isSuffix ? Math.max(0, size - Number(last)) : Number(first);
  const end = isSuffix || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (!isSuffix && last !== "" && Number(last) < start) return undefined; // not a range at all
  if (start > end) throw new OutOfRange(size);
  return { start, end };
}

/** Its answer says how much there is. */
export class OutOfRange extends WinnowError {
  readonly size: number;
  constructor(size: number) {
    super("request.out-of-range", `There are ${size} bytes.`, "Ask for a range that begins within them.");
    this.size = size;
  }
}

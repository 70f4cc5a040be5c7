import { isUtf8 } from "node:buffer";

/**
 * Text of an image's bytes as the runner writes paths everywhere: UTF-8, and each byte that is not valid UTF-8 as U+DC80..U+DCFF
 * (Python's `surrogateescape`), so that every path survives the way back.
 */
export function decodeBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] ?? 0;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const char = bytes.subarray(at, at + length);
    if (isUtf8(char)) {
      text += char.toString("utf8");
      at += length;
    } else {
      text += String.fromCharCode(0xdc00 + lead);
      at++;
    }
  }
  return text;
}

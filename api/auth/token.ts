import { createHash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

/** `wapi` people and machines, `wreg` registers runners, `wrun` one runner, `watt` one attempt. */
export type TokenPrefix = "wapi" | "wreg" | "wrun" | "watt";

const pattern = /^(wapi|wreg|wrun|watt)_([A-Za-z0-9_-]{43})([0-9A-Za-z]{6})$/;
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const checksumLength = 6; // 62^6 is more than 2^32

export type ParsedToken = { prefix: TokenPrefix; hash: string; lastFour: string };

/** A new token: `PREFIX_`, 43 characters for 32 random bytes, six of checksum. */
export function makeToken(prefix: TokenPrefix): string {
  const body = `${prefix}_${randomBytes(32).toString("base64url")}`;
  return body + checksumOf(body);
}

/**
 * Reads a token without looking anything up. `mistyped` begins as one of ours but has another length or checksum; `foreign` was
 * never one of ours.
 */
export function parseToken(text: string): ParsedToken | "mistyped" | "foreign" {
  const [, prefix, secret, checksum] = pattern.exec(text) ?? [];
  if (!isPrefix(prefix)) return /^(wapi|wreg|wrun|watt)_/.test(text) ? "mistyped" : "foreign";
  if (checksumOf(`${prefix}_${secret}`) !== checksum) return "mistyped";
  return { prefix, hash: hashToken(text), lastFour: text.slice(-4) };
}

/** SHA-256, hex: what is stored. A token has 256 random bits, so that no slow hash is needed. */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function isPrefix(text: string | undefined): text is TokenPrefix {
  return text === "wapi" || text === "wreg" || text === "wrun" || text === "watt";
}

/** CRC-32 in base 62, most significant digit first. */
function checksumOf(body: string): string {
  let digits = "";
  for (let rest = crc32(body); digits.length < checksumLength; rest = Math.floor(rest / 62))
    digits = alphabet.charAt(rest % 62) + digits;
  return digits;
}

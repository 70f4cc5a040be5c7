/** The four words of the state as eight 32-bit halves, low half first; BigInt is too slow for an event file of megabytes. */
type State = Int32Array;

function load(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

/** Runs `count` rounds on the state. The halves are locals, which the engine keeps in registers. */
function rounds(state: State, count: number): void {
  let [l0 = 0, h0 = 0, l1 = 0, h1 = 0, l2 = 0, h2 = 0, l3 = 0, h3 = 0] = state;
  for (let i = 0; i < count; i++) {
    let low: number;
    let high: number;
    let sum: number;

    sum = (l0 >>> 0) + (l1 >>> 0); // v0 += v1
    h0 = (h0 + h1 + (sum > 0xffffffff ? 1 : 0)) | 0;
    l0 = sum | 0;
    low = (l1 << 13) | (h1 >>> 19); // v1 = rotate(v1, 13) ^ v0
    high = (h1 << 13) | (l1 >>> 19);
    l1 = low ^ l0;
    h1 = high ^ h0;
    low = l0; // v0 = rotate(v0, 32)
    l0 = h0;
    h0 = low;

    sum = (l2 >>> 0) + (l3 >>> 0); // v2 += v3
    h2 = (h2 + h3 + (sum > 0xffffffff ? 1 : 0)) | 0;
    l2 = sum | 0;
    low = (l3 << 16) | (h3 >>> 16); // v3 = rotate(v3, 16) ^ v2
    high = (h3 << 16) | (l3 >>> 16);
    l3 = low ^ l2;
    h3 = high ^ h2;

    sum = (l0 >>> 0) + (l3 >>> 0); // v0 += v3
    h0 = (h0 + h3 + (sum > 0xffffffff ? 1 : 0)) | 0;
    l0 = sum | 0;
    low = (l3 << 21) | (h3 >>> 11); // v3 = rotate(v3, 21) ^ v0
    high = (h3 << 21) | (l3 >>> 11);
    l3 = low ^ l0;
    h3 = high ^ h0;

    sum = (l2 >>> 0) + (l1 >>> 0); // v2 += v1
    h2 = (h2 + h1 + (sum > 0xffffffff ? 1 : 0)) | 0;
    l2 = sum | 0;
    low = (l1 << 17) | (h1 >>> 15); // v1 = rotate(v1, 17) ^ v2
    high = (h1 << 17) | (l1 >>> 15);
    l1 = low ^ l2;
    h1 = high ^ h2;
    low = l2; // v2 = rotate(v2, 32)
    l2 = h2;
    h2 = low;
  }
  state.set([l0, h0, l1, h1, l2, h2, l3, h3]);
}

function compress(state: State, low: number, high: number): void {
  state[6] = (state[6] ?? 0) ^ low;
  state[7] = (state[7] ?? 0) ^ high;
  rounds(state, 2);
  state[0] = (state[0] ?? 0) ^ low;
  state[1] = (state[1] ?? 0) ^ high;
}

/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012) of `bytes` under a key of 16 bytes, as 16 hex digits, most significant first.
 */
export function siphash(key: Uint8Array, bytes: Uint8Array): string {
  if (key.length !== 16) throw new RangeError("a SipHash key has 16 bytes");
  const k = [load(key, 0), load(key, 4), load(key, 8), load(key, 12)] as const;
  const state: State = Int32Array.of(
    k[0] ^ 0x70736575,
    k[1] ^ 0x736f6d65,
    k[2] ^ 0x6e646f6d,
    k[3] ^ 0x646f7261,
    k[0] ^ 0x6e657261,
    k[1] ^ 0x6c796765,
    k[2] ^ 0x79746573,
    k[3] ^ 0x74656462,
  );
  const whole = bytes.length - (bytes.length % 8);
  for (let at = 0; at < whole; at += 8) compress(state, load(bytes, at), load(bytes, at + 4));
  const tail = new Uint8Array(8);
  tail.set(bytes.subarray(whole));
  tail[7] = bytes.length & 0xff;
  compress(state, load(tail, 0), load(tail, 4));
  state[4] = (state[4] ?? 0) ^ 0xff;
  rounds(state, 4);
  const [l0 = 0, h0 = 0, l1 = 0, h1 = 0, l2 = 0, h2 = 0, l3 = 0, h3 = 0] = state;
  const hex = (word: number) => (word >>> 0).toString(16).padStart(8, "0");
  return hex(h0 ^ h1 ^ h2 ^ h3) + hex(l0 ^ l1 ^ l2 ^ l3);
}

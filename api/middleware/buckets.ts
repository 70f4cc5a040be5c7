type Bucket = { left: number; at: number };

/** How many names are remembered. One that was forgotten begins with a full bucket. */
const maxNames = 10_000;

/**
 * Token buckets by name: each holds `size`, and `perMs` come back. `take` gives 0, or after how many milliseconds there is one to take.
 */
export function makeBuckets({ size, perMs }: { size: number; perMs: number }) {
  const buckets = new Map<string, Bucket>();
  return {
    take(name: string, now: number): number {
      const { left, at } = buckets.get(name) ?? { left: size, at: now };
      const filled = Math.min(size, left + Math.max(0, now - at) * perMs);
      buckets.delete(name); // put back at the end: the first is the one not asked for the longest
      if (buckets.size >= maxNames)
        for (const oldest of [...buckets.keys()].slice(0, maxNames / 10)) buckets.delete(oldest);
      const isTaken = filled >= 1;
      buckets.set(name, { left: isTaken ? filled - 1 : filled, at: now });
      return isTaken ? 0 : Math.ceil((1 - filled) / perMs);
    },
  };
}

const firstMs = 30_000;
const longestMs = 15 * 60_000;

/**
 * How long a job rests after its n-th counted failure (from 1), ms: 30 s · 4ⁿ⁻¹ ± 20 %, at most 15 min. `random` is from [0, 1):
 * jobs that failed together, of a registry that is down, do not come back together.
 */
export function retryDelayMs(failures: number, random: number): number {
  return Math.round(Math.min(longestMs, firstMs * 4 ** (failures - 1) * (0.8 + 0.4 * random)));
}

/** Nothing that waits for a retry waits longer. */
export const longestRetryMs = longestMs;

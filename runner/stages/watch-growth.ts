import type { Growth } from "../observation.ts";

type Watching = {
  /** Size of the sensor's record now, bytes. */
  size: () => Promise<number>;
  now: () => number;
};

/** Shorter exercises say nothing about their end: start-up and end are the same, ms. */
export const shortestWatchMs = 2000;

/** How often the record is looked at, ms. */
const lookMs = 500;

/**
 * Looks at the size of the sensor's record from now until `stop` is called, which returns what was seen. The first look comes
 * after two seconds: a short run is not looked at. A look that fails ends the watch; the run itself will say why.
 */
export function watchGrowth({ size, now }: Watching): { stop: () => Promise<Growth[]> } {
  const startedAt = now();
  const seen: Growth[] = [];
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async () => {
    seen.push({ atMs: now() - startedAt, bytes: await size() });
  };
  const again = (ms: number) => {
    timer = setTimeout(() => {
      looking = look().then(() => {
        if (!over) again(lookMs);
      }, end);
    }, ms);
  };
  const end = () => {
    over = true;
    clearTimeout(timer);
  };
  let looking: Promise<void> = Promise.resolve();
  again(shortestWatchMs);
  return {
    async stop() {
      const wasOver = over;
      end();
      await looking;
      if (seen.length > 0 && !wasOver) await look().catch(() => {});
      return seen;
    },
  };
}

import type { Settings } from "../../app-deps.ts";
import { TryLater } from "../../problem.ts";

/** Counts those who watch. Throws `request.rate-limited` when all seats are taken, or all that one token may have. */
export function makeSeats({ viewers, viewersPerToken }: Pick<Settings, "viewers" | "viewersPerToken">) {
  const taken = new Map<string, number>();
  let all = 0;
  return {
    take(who: string): () => void {
      const own = taken.get(who) ?? 0;
      if (all >= viewers || own >= viewersPerToken) {
        const hint = "Close another stream, or read the job from time to time instead.";
        throw new TryLater("request.rate-limited", "Too many watch jobs at present.", hint, 5000);
      }
      all += 1;
      taken.set(who, own + 1);
      return () => {
        all -= 1;
        const left = (taken.get(who) ?? 1) - 1;
        if (left === 0) taken.delete(who);
        else taken.set(who, left);
      };
    },
  };
}

export type Seats = ReturnType<typeof makeSeats>;

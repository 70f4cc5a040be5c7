import { eq } from "drizzle-orm";
import { findRunner, runnerNotFound } from "./find-runner.ts";
import { type Db, writing } from "./open.ts";
import { runners } from "./schema.ts";

/** Asks a runner to finish what it has and exit; it hears of it by its next heartbeat. Throws `runner.not-found`. */
export function drainRunner(db: Db, { runnerId, now }: { runnerId: string; now: number }): void {
  writing(db, (tx) => {
    const runner = findRunner(tx, runnerId);
    if (!runner) throw runnerNotFound(runnerId);
    if (runner.drainAskedAt === null)
      tx.update(runners).set({ drainAskedAt: now }).where(eq(runners.id, runnerId)).run();
  });
}

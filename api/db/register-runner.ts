import { randomBytes } from "node:crypto";
import { eq } from "drizzle-orm";
import type { Registration } from "#contract/service/runner-protocol.ts";
import type { Reaped } from "./lose-attempt.ts";
import { type Db, writing } from "./open.ts";
import { openSession } from "./open-session.ts";
import { runners } from "./schema.ts";

/**
 * Makes a runner known. The same `systemId` is the same runner, with a new token; what another process of it held is lost. Gives its id
 * and the jobs that it lost.
 */
export function registerRunner(
  db: Db,
  { registration, tokenHash, now }: { registration: Registration; tokenHash: string; now: number },
): { id: string; lost: Reaped[] } {
  return writing(db, (tx) => {
    const { name, systemId, ...facts } = registration;
    const known = tx.select({ id: runners.id }).from(runners).where(eq(runners.systemId, systemId)).get();
    if (known) {
      tx.update(runners).set({ name, tokenHash, removedAt: null }).where(eq(runners.id, known.id)).run();
      return { id: known.id, lost: openSession(tx, { runnerId: known.id, facts, now }) };
    }
    const id = `run_${randomBytes(8).toString("hex")}`;
    tx.insert(runners)
      .values({ id, name, systemId, tokenHash, ...facts, registeredAt: now, lastSeenAt: now })
      .run();
    return { id, lost: [] };
  });
}

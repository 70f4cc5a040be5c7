import type { Db } from "../db/open.ts";
import { writing } from "../db/open.ts";
import {
  artifactsBefore,
  artifactsBeyond,
  markRemoved,
  type Removable,
  repositoryAfter,
} from "../db/removable-artifacts.ts";
import type { Store } from "../store/store.ts";

/** Null is no limit. What is beyond either limit goes. */
export type RetentionRule = { days: number | null; jobsOfRepository: number | null };

type Retention = {
  db: Db;
  store: Pick<Store, "remove">;
  rule: RetentionRule;
  now: number;
  /** Ends the work after the batch that is at work. */
  signal?: AbortSignal;
};

const batch = 100;
const atOnce = 8;
const dayMs = 86_400_000;

/**
 * Removes old artifacts from the store; reports and security profiles stay, and so do the rows, which say when it was. Gives
 * how many were removed. The bytes go first: what is stopped in between is done again by the next run, and nothing is left
 * in the store that no row knows. Throws `store.failed`.
 */
export async function retain({ db, store, rule, now, signal }: Retention): Promise<number> {
  let removed = 0;
  const emptied = async (next: () => Removable[]) => {
    while (!signal?.aborted) {
      const found = next();
      if (found.length === 0) return;
      await removeAll(found, store);
      writing(db, (tx) => {
        for (const one of found) markRemoved(tx, { ...one, now });
      });
      removed += found.length;
    }
  };
  const { days, jobsOfRepository: keep } = rule;
  if (days !== null) await emptied(() => artifactsBefore(db, { cutoffAt: now - days * dayMs, limit: batch }));
  if (keep === null) return removed;
  for (let at = repositoryAfter(db, ""); at !== undefined && !signal?.aborted; at = repositoryAfter(db, at)) {
    const repository = at;
    await emptied(() => artifactsBeyond(db, { repository, keep, limit: batch }));
  }
  return removed;
}

async function removeAll(found: readonly Removable[], store: Retention["store"]): Promise<void> {
  const waiting = found.values();
  const worker = async () => {
    for (const { key } of waiting) await store.remove(key);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

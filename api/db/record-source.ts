import type { Source } from "#contract/service/runner-protocol.ts";
import { findResult } from "./find-result.ts";
import { type Held, heldBy, leaseLost } from "./held-by.ts";
import { type Db, writing } from "./open.ts";
import { jobs } from "./schema.ts";

/**
 * Notes what the image was resolved to, and which version of Winnow works on it. Gives the job whose result will do, if there is one and
 * the job was not submitted with `force`. Throws `lease.lost`.
 */
export function recordSource(
  db: Db,
  held: Held,
  { source, workVersion }: { source: Source; workVersion: string },
): { cachedFrom: string | undefined } {
  return writing(db, (tx) => {
    const job = tx
      .update(jobs)
      .set({ sourceKey: source.key, architecture: source.architecture, workVersion })
      .where(heldBy(held))
      .returning({ requestHash: jobs.requestHash, force: jobs.force })
      .get();
    if (!job) throw leaseLost(held);
    if (job.force || job.requestHash === null) return { cachedFrom: undefined };
    return { cachedFrom: findResult(tx, { requestHash: job.requestHash, sourceKey: source.key, workVersion }) };
  });
}

import { and, desc, eq, inArray, isNotNull, isNull, notExists, or, sql } from "drizzle-orm";
import type { Labels } from "#contract/service/runner-protocol.ts";
import type { Db } from "./open.ts";
import { artifacts, jobs, reports } from "./schema.ts";

export type Wanted = {
  requestHash: string;
  /** The version of Winnow that did the work. */
  workVersion: string;
  /** `Source.key`: what the reference was resolved to. Left out where the request itself names one image. */
  sourceKey?: string;
  /** Labels that the job asked for: an index of several platforms is another image on another kind of runner. */
  needs?: Labels;
};

/**
 * The newest job that did the same work and has a result worth giving: a slim image that was verified, or what an `info` or a `profile`
 * found. Never one that was itself answered by another, one that nothing exercised, or one whose
 * artifacts are gone.
 */
export function findResult(db: Db, { requestHash, workVersion, sourceKey, needs }: Wanted): string | undefined {
  const isGood = or(inArray(jobs.kind, ["info", "profile"]), inArray(reports.verdict, ["verified", "repaired"]));
  const gone = db
    .select({ one: sql`1` })
    .from(artifacts)
    .where(and(eq(artifacts.jobId, jobs.id), isNotNull(artifacts.removedAt)));
  return db
    .select({ id: jobs.id })
    .from(jobs)
    .leftJoin(reports, eq(reports.jobId, jobs.id))
    .where(
      and(
        sql`${jobs.state} = 'succeeded'`, // spelled out for the partial indices
        sourceKey === undefined ? undefined : eq(jobs.sourceKey, sourceKey),
        eq(jobs.requestHash, requestHash),
        eq(jobs.workVersion, workVersion),
        needs === undefined ? undefined : eq(jobs.needs, needs),
        isNull(jobs.cachedFrom),
        notExists(gone),
        isGood,
      ),
    )
    .orderBy(desc(jobs.seq))
    .limit(1)
    .get()?.id;
}

import { and, asc, count, eq, gt, inArray, isNull, max, min, sql } from "drizzle-orm";
import type { Db } from "./open.ts";
import { events, jobs, reports, runners } from "./schema.ts";

/** The newest event. */
export function lastEventSeq(db: Db): number {
  return (
    db
      .select({ seq: max(events.seq) })
      .from(events)
      .get()?.seq ?? 0
  );
}

/** Events after `seq`, with what metrics count of their jobs; oldest first. */
export function figuresAfter(db: Db, seq: number, size = 1000) {
  const { fatBytes, slimBytes, verdict } = reports;
  return db
    .select({ event: events, submittedAt: jobs.submittedAt, cachedFrom: jobs.cachedFrom, fatBytes, slimBytes, verdict })
    .from(events)
    .innerJoin(jobs, eq(jobs.id, events.jobId))
    .leftJoin(reports, eq(reports.jobId, events.jobId))
    .where(and(gt(events.seq, seq), inArray(events.kind, ["state", "stage"])))
    .orderBy(asc(events.seq))
    .limit(size)
    .all();
}

/** How many jobs wait, by pool and architecture, and since when the oldest does. */
export function queueDepth(db: Db) {
  const pool = sql<string | null>`json_extract(${jobs.needs}, '$.pool')`;
  return db
    .select({ pool, architecture: jobs.architecture, jobs: count(), oldest: min(jobs.submittedAt) })
    .from(jobs)
    .where(sql`${jobs.state} = 'queued'`) // spelled out for the partial index
    .groupBy(pool, jobs.architecture)
    .all();
}

/** The pools that runners have: others would be whatever somebody wrote. */
export function knownPools(db: Db): Set<string> {
  const rows = db.select({ labels: runners.labels }).from(runners).where(isNull(runners.removedAt)).all();
  return new Set(rows.flatMap(({ labels }) => labels.pool ?? []));
}

/** Where the database lies; empty for one in memory. */
export function databaseFile(db: Db): string {
  const row = db.get<{ file: string | null }>(sql`select file from pragma_database_list where name = 'main'`);
  return row?.file ?? "";
}

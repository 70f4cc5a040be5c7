import { and, asc, desc, eq, isNull, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { Db } from "./open.ts";
import { artifacts, jobs } from "./schema.ts";

export type Removable = { jobId: string; attempt: number; name: string; key: string };

const place = { jobId: artifacts.jobId, attempt: artifacts.attempt, name: artifacts.name, key: artifacts.key };

/** What stays for good: small, and what a later look at the job needs. Word for word the condition of the index `artifacts_removable`. */
const isRemovable = and(
  isNull(artifacts.removedAt),
  sql`${artifacts.name} not in ('report.json', 'seccomp.json', 'apparmor.profile')`,
);

/** Artifacts of jobs that ended, and answered their last submission, before `cutoffAt`; oldest first. */
export function artifactsBefore(db: Db, { cutoffAt, limit }: { cutoffAt: number; limit: number }): Removable[] {
  const later = alias(jobs, "later");
  // A job that was answered with this one's result has no artifacts but these.
  const isInUse = db
    .select({ one: sql`1` })
    .from(later)
    .where(and(eq(later.cachedFrom, artifacts.jobId), sql`${later.submittedAt} >= ${cutoffAt}`));
  return db
    .select(place)
    .from(artifacts)
    .where(and(isRemovable, sql`${artifacts.createdAt} < ${cutoffAt}`, sql`not exists ${isInUse}`))
    .orderBy(asc(artifacts.createdAt))
    .limit(limit)
    .all();
}

/** Artifacts of the jobs of one repository beyond its `keep` newest that have any. */
export function artifactsBeyond(
  db: Db,
  { repository, keep, limit }: { repository: string; keep: number; limit: number },
): Removable[] {
  const oldest = db
    .selectDistinct({ seq: jobs.seq })
    .from(jobs)
    .innerJoin(artifacts, eq(artifacts.jobId, jobs.id))
    .where(and(eq(jobs.repository, repository), isRemovable))
    .orderBy(desc(jobs.seq))
    .limit(1)
    .offset(keep - 1);
  return db
    .select(place)
    .from(jobs)
    .innerJoin(artifacts, eq(artifacts.jobId, jobs.id))
    .where(and(eq(jobs.repository, repository), isRemovable, sql`${jobs.seq} < ${oldest}`))
    .orderBy(asc(jobs.seq))
    .limit(limit)
    .all();
}

/** The repository that comes after this one in the alphabet; one at a time, so that no query has to look at all jobs. */
export function repositoryAfter(db: Db, before: string): string | undefined {
  const next = db
    .select({ repository: jobs.repository })
    .from(jobs)
    .where(sql`${jobs.repository} > ${before}`)
    .orderBy(asc(jobs.repository))
    .limit(1)
    .get();
  return next?.repository;
}

/** Notes that the bytes are gone. */
export function markRemoved(db: Db, { jobId, attempt, name, now }: Omit<Removable, "key"> & { now: number }): void {
  db.update(artifacts)
    .set({ removedAt: now })
    .where(and(eq(artifacts.jobId, jobId), eq(artifacts.attempt, attempt), eq(artifacts.name, name)))
    .run();
}

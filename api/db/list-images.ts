import { and, count, desc, eq, lt, max, ne } from "drizzle-orm";
import type { ImageSummary } from "#contract/service/image-view.ts";
import { toReportSummary } from "./job-summary.ts";
import type { Db } from "./open.ts";
import { jobs, reports } from "./schema.ts";

type Page = { size: number; before?: number };

/** Repositories, those with the newest job first, each with the `seq` of that job for the next page. */
export function listImages(db: Db, { size, before }: Page): (ImageSummary & { lastSeq: number })[] {
  const newest = max(jobs.seq);
  const rows = db
    .select({ repository: jobs.repository, jobs: count(), lastJobAt: max(jobs.submittedAt), lastSeq: newest })
    .from(jobs)
    .where(ne(jobs.repository, ""))
    .groupBy(jobs.repository)
    .having(before === undefined ? undefined : lt(newest, before))
    .orderBy(desc(newest))
    .limit(size)
    .all();
  return rows.map(({ repository, jobs: known, lastJobAt, lastSeq }) => ({
    repository,
    jobs: known,
    lastJobAt: lastJobAt ?? 0,
    lastSeq: lastSeq ?? 0,
    last: lastReport(db, repository),
  }));
}

/** One repository; undefined when no job ever named it. */
export function findImage(db: Db, repository: string): ImageSummary | undefined {
  const [row] = db
    .select({ jobs: count(), lastJobAt: max(jobs.submittedAt) })
    .from(jobs)
    .where(and(eq(jobs.repository, repository), ne(jobs.repository, "")))
    .all();
  if (!row || row.lastJobAt === null) return undefined;
  return { repository, jobs: row.jobs, lastJobAt: row.lastJobAt, last: lastReport(db, repository) };
}

function lastReport(db: Db, repository: string): ImageSummary["last"] {
  const row = db
    .select()
    .from(reports)
    .where(eq(reports.repository, repository))
    .orderBy(desc(reports.createdAt))
    .limit(1)
    .get();
  return row ? { ...toReportSummary(row), jobId: row.jobId, image: row.image } : null;
}

import { asc, eq } from "drizzle-orm";
import type { TrendPoint } from "#contract/service/image-view.ts";
import type { Db } from "./open.ts";
import { reports } from "./schema.ts";

/** All reports of a repository, oldest first. */
export function readTrend(db: Db, repository: string): TrendPoint[] {
  const { jobId, createdAt, image, architecture, fatBytes, slimBytes, ratio, verdict } = reports;
  return db
    .select({ jobId, at: createdAt, image, architecture, fatBytes, slimBytes, ratio, verdict })
    .from(reports)
    .where(eq(reports.repository, repository))
    .orderBy(asc(reports.createdAt), asc(reports.jobId))
    .all();
}

import { asc, eq } from "drizzle-orm";
import type { Db } from "./open.ts";
import { artifacts, reports } from "./schema.ts";

/** The summary of a job's report (undefined when it has none) and the artifacts that the job stored. */
export function readReport(db: Db, jobId: string) {
  return {
    summary: db.select().from(reports).where(eq(reports.jobId, jobId)).get(),
    artifacts: db.select().from(artifacts).where(eq(artifacts.jobId, jobId)).orderBy(asc(artifacts.name)).all(),
  };
}

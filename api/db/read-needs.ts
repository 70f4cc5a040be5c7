import { and, eq, sql } from "drizzle-orm";
import type { JobState } from "#contract/job.ts";
import type { Labels } from "#contract/service/runner-protocol.ts";
import type { Needs } from "../queue/fits.ts";
import type { Db } from "./open.ts";
import { prepared } from "./prepared.ts";
import { attempts, jobs } from "./schema.ts";

/** What a job asks of a runner, and from when on; undefined for no job. Needs that cannot be read are none. */
export function readNeeds(db: Db, jobId: string): (Needs & { state: JobState; runAfterAt: number }) | undefined {
  const job = needsOf(db).get({ jobId });
  if (!job) return undefined;
  const { uncounted, needs, ...rest } = job;
  return { ...rest, needs: parseLabels(needs), unfitFor: uncounted === 0 ? [] : unfitFor(db, jobId) };
}

const needsOf = prepared((db) =>
  db
    .select({
      state: jobs.state,
      needs: sql<string>`${jobs.needs}`,
      architecture: jobs.architecture,
      runAfterAt: jobs.runAfterAt,
      uncounted: jobs.uncounted,
    })
    .from(jobs)
    .where(eq(jobs.id, sql.placeholder("jobId")))
    .prepare(),
);

function unfitFor(db: Db, jobId: string): string[] {
  const gaveBack = and(eq(attempts.jobId, jobId), eq(attempts.releaseReason, "unfit"));
  return db
    .selectDistinct({ runner: attempts.runner })
    .from(attempts)
    .where(gaveBack)
    .all()
    .map(({ runner }) => runner);
}

function parseLabels(text: string): Labels {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

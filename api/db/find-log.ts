import { and, eq } from "drizzle-orm";
import { artifactNotFound } from "./find-artifact.ts";
import { jobNotFound } from "./find-job.ts";
import type { Db } from "./open.ts";
import { artifacts, jobs } from "./schema.ts";
import { isOver } from "./state-of.ts";

/**
 * Where the log of an attempt is, the newest one when none is named: `stored` is its artifact once it was sealed, until then it is
 * with the logs of attempts at work. `willGrow` while the attempt goes on, or is still to come. Throws `job.not-found`, and
 * `artifact.not-found` when retention took it away.
 */
export function findLog(db: Db, { jobId, attempt, name }: { jobId: string; attempt?: number; name: string }) {
  const asked = db.select().from(jobs).where(eq(jobs.id, jobId)).get();
  if (!asked) throw jobNotFound(jobId);
  const job = asked.cachedFrom === null ? asked : db.select().from(jobs).where(eq(jobs.id, asked.cachedFrom)).get();
  if (!job) throw jobNotFound(asked.cachedFrom ?? jobId);
  const number = attempt ?? job.attempt;
  const stored = db
    .select()
    .from(artifacts)
    .where(and(eq(artifacts.jobId, job.id), eq(artifacts.attempt, number), eq(artifacts.name, name)))
    .get();
  if (stored && stored.removedAt !== null) throw artifactNotFound(job.id, name);
  const isCurrent = number === job.attempt && !isOver(job.state) && (job.state !== "queued" || number === 0);
  return { jobId: job.id, attempt: number, stored, willGrow: isCurrent || number > job.attempt };
}

import { desc, eq, like, or } from "drizzle-orm";
import { WinnowError } from "#contract/error.ts";
import type { Db } from "./open.ts";
import { jobs } from "./schema.ts";

/**
 * The id of the one job that `text` means: `latest`, a whole id, or its beginning or end, with or without `job_`.
 * The end tells jobs of the same minute apart with fewer characters. Throws `job.not-found` when none or several fit.
 */
export function findJob(db: Db, text: string): string {
  if (text === "latest") {
    const newest = db.select({ id: jobs.id }).from(jobs).orderBy(desc(jobs.seq)).limit(1).get();
    if (!newest) throw jobNotFound(text);
    return newest.id;
  }
  const part = text.toLowerCase().replace(/^job_/, "");
  if (!/^[0-9a-z]+$/.test(part)) throw jobNotFound(text);
  const fitting = db
    .select({ id: jobs.id })
    .from(jobs)
    .where(or(eq(jobs.id, `job_${part}`), like(jobs.id, `job_${part}%`), like(jobs.id, `%${part}`)))
    .limit(3)
    .all();
  const whole = fitting.find(({ id }) => id === `job_${part}`);
  const [only, ...others] = whole ? [whole] : fitting;
  if (!only) throw jobNotFound(text);
  if (others.length > 0) {
    throw new WinnowError(
      "job.not-found",
      `Several jobs fit ${JSON.stringify(text)}.`,
      "Give more characters of the job's id; `winnow jobs` lists them.",
    );
  }
  return only.id;
}

/** For an id that no job has. */
export function jobNotFound(text: string): WinnowError {
  return new WinnowError(
    "job.not-found",
    `There is no job ${JSON.stringify(text)}.`,
    "List the jobs with `winnow jobs`.",
  );
}

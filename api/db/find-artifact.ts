import { and, asc, eq, isNull } from "drizzle-orm";
import { WinnowError } from "#contract/error.ts";
import { jobNotFound } from "./find-job.ts";
import type { Db } from "./open.ts";
import { artifacts, jobs } from "./schema.ts";

/** The job whose artifacts are those of `jobId`: itself, or the one whose result it was answered with. Throws `job.not-found`. */
function ownerOf(db: Db, jobId: string): string {
  const job = db.select({ cachedFrom: jobs.cachedFrom }).from(jobs).where(eq(jobs.id, jobId)).get();
  if (!job) throw jobNotFound(jobId);
  return job.cachedFrom ?? jobId;
}

/** All that a job stored and retention left, by name. Throws `job.not-found`. */
export function listArtifacts(db: Db, jobId: string) {
  const owner = ownerOf(db, jobId);
  return db
    .select()
    .from(artifacts)
    .where(and(eq(artifacts.jobId, owner), isNull(artifacts.removedAt)))
    .orderBy(asc(artifacts.name))
    .all();
}

/** Undefined when the job stored none of this name, or retention took it away. Throws `job.not-found`. */
export function findArtifact(db: Db, jobId: string, name: string) {
  const owner = ownerOf(db, jobId);
  return db
    .select()
    .from(artifacts)
    .where(and(eq(artifacts.jobId, owner), eq(artifacts.name, name), isNull(artifacts.removedAt)))
    .get();
}

export type ArtifactRow = NonNullable<ReturnType<typeof findArtifact>>;

export function artifactNotFound(jobId: string, name: string): WinnowError {
  const hint = "It may not have been made yet, or was removed after its time; `…/artifacts` lists what is there.";
  return new WinnowError("artifact.not-found", `${jobId} has no artifact ${JSON.stringify(name)}.`, hint);
}

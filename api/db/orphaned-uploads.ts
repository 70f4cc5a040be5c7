import { and, eq, lt, sql } from "drizzle-orm";
import type { Db } from "./open.ts";
import { artifacts, attempts, jobs, uploads } from "./schema.ts";

export type Orphan = { jobId: string; attempt: number; name: string; isOwned: boolean };

const isAtWork = sql`exists (select 1 from ${jobs} where ${jobs.id} = ${uploads.jobId} and ${jobs.attempt} = ${uploads.attempt}
  and ${jobs.state} in ('running', 'canceling'))`;

/** What attempts that have ended offered before `cutoffAt`; `isOwned` when a row of artifacts leads to the bytes, which stay then. */
export function orphanedUploads(db: Db, { cutoffAt, limit }: { cutoffAt: number; limit: number }): Orphan[] {
  const isIt = and(
    eq(artifacts.jobId, uploads.jobId),
    eq(artifacts.attempt, uploads.attempt),
    eq(artifacts.name, uploads.name),
  );
  return db
    .select({ jobId: uploads.jobId, attempt: uploads.attempt, name: uploads.name, key: artifacts.key })
    .from(uploads)
    .leftJoin(artifacts, isIt)
    .where(and(lt(uploads.offeredAt, cutoffAt), sql`not ${isAtWork}`))
    .limit(limit)
    .all()
    .map(({ key, ...upload }) => ({ ...upload, isOwned: key !== null }));
}

export function forgetUpload(db: Db, { jobId, attempt, name }: Omit<Orphan, "isOwned">): void {
  db.delete(uploads)
    .where(and(eq(uploads.jobId, jobId), eq(uploads.attempt, attempt), eq(uploads.name, name)))
    .run();
}

/** Whether an attempt may still write its log. */
export function isAttemptAtWork(db: Db, { jobId, attempt }: { jobId: string; attempt: number }): boolean {
  const isIt = and(eq(attempts.jobId, jobId), eq(attempts.number, attempt));
  const found = db.select({ state: attempts.state }).from(attempts).where(isIt).get();
  return found?.state === "claimed" || found?.state === "running";
}

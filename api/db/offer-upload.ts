import { and, eq, sql } from "drizzle-orm";
import { WinnowError } from "#contract/error.ts";
import { logName } from "../logs/seal-log.ts";
import { assertHeld } from "./assert-held.ts";
import type { Held } from "./held-by.ts";
import { type Db, writing } from "./open.ts";
import { given, placeholdersOf, prepared } from "./prepared.ts";
import { uploads } from "./schema.ts";

export type Offer = { name: string; bytes: number; sha256: string };
export type Upload = typeof uploads.$inferSelect;

/** An attempt makes a dozen artifacts, besides its log. */
const maxUploads = 100;

/**
 * Notes what an attempt is going to store, before it does: upkeep finds by these rows what no job came to own. The same offer again changes nothing; another one under the same name replaces the first,
 * and is not committed. Throws `lease.lost`, and `request.invalid` for an attempt that offers without end.
 */
export function offerUpload(db: Db, held: Held, { name, bytes, sha256, now }: Offer & { now: number }): Upload {
  return writing(db, (tx) => {
    assertHeld(tx, held);
    const known = uploadsOf(tx, held);
    const same = known.find((one) => one.name === name);
    if (same?.bytes === bytes && same.sha256 === sha256) return same;
    const isTooMany = known.filter((one) => one.name !== logName).length >= maxUploads;
    if (!same && isTooMany && name !== logName) throw tooMany(held);
    return replacement(tx).get({ jobId: held.jobId, attempt: held.attempt, name, bytes, sha256, offeredAt: now });
  });
}

const columns = ["jobId", "attempt", "name", "bytes", "sha256", "offeredAt"] as const;
const replacement = prepared((db) =>
  db
    .insert(uploads)
    .values(placeholdersOf(columns))
    .onConflictDoUpdate({
      target: [uploads.jobId, uploads.attempt, uploads.name],
      set: { bytes: given("bytes"), sha256: given("sha256"), offeredAt: given("offeredAt"), committedAt: null },
    })
    .returning()
    .prepare(),
);

/** What an attempt offered under this name. Throws `artifact.not-found` when it offered nothing. */
export function findUpload(db: Db, held: Held, name: string): Upload {
  const found = uploadsOf(db, held).find((one) => one.name === name);
  if (found) return found;
  throw new WinnowError(
    "artifact.not-found",
    `Attempt ${held.attempt} of ${held.jobId} did not offer ${JSON.stringify(name)}.`,
    "Offer an artifact before sending it.",
  );
}

/** What of an attempt is in the store, seen to be right. */
export function committedUploads(db: Db, attempt: { jobId: string; attempt: number }): Upload[] {
  return uploadsOf(db, attempt).filter(({ committedAt }) => committedAt !== null);
}

function uploadsOf(db: Db, { jobId, attempt }: { jobId: string; attempt: number }): Upload[] {
  return ofAttempt(db).all({ jobId, attempt });
}

const ofAttempt = prepared((db) =>
  db
    .select()
    .from(uploads)
    .where(and(eq(uploads.jobId, sql.placeholder("jobId")), eq(uploads.attempt, sql.placeholder("attempt"))))
    .prepare(),
);

function tooMany({ jobId, attempt }: Held): WinnowError {
  return new WinnowError(
    "request.invalid",
    `Attempt ${attempt} of ${jobId} has offered ${maxUploads} artifacts.`,
    "A runner of this version does not: look for another program that uses its token.",
  );
}

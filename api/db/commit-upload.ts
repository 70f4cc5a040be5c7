import { and, eq } from "drizzle-orm";
import { mismatch } from "../store/exactly.ts";
import { assertHeld } from "./assert-held.ts";
import type { Held } from "./held-by.ts";
import type { Offer } from "./offer-upload.ts";
import { type Db, writing } from "./open.ts";
import { uploads } from "./schema.ts";

/**
 * Notes that the store holds exactly the bytes of this offer. Throws `lease.lost`, and `artifact.mismatch` when the name stands
 * for another offer by now.
 */
export function commitUpload(db: Db, held: Held, { name, bytes, sha256, now }: Offer & { now: number }): void {
  writing(db, (tx) => {
    assertHeld(tx, held);
    const { changes } = tx
      .update(uploads)
      .set({ committedAt: now })
      .where(
        and(
          eq(uploads.jobId, held.jobId),
          eq(uploads.attempt, held.attempt),
          eq(uploads.name, name),
          eq(uploads.bytes, bytes),
          eq(uploads.sha256, sha256),
        ),
      )
      .run();
    if (changes === 0) throw mismatch(name, "another offer replaced it meanwhile");
  });
}

import { eq } from "drizzle-orm";
import type { Db } from "./open.ts";
import { tokens } from "./schema.ts";

/** The token with this hash, whether it is still good or not. */
export function findToken(db: Db, hash: string) {
  return db.select().from(tokens).where(eq(tokens.hash, hash)).get();
}

export type TokenRow = NonNullable<ReturnType<typeof findToken>>;

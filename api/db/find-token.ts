import { eq, sql } from "drizzle-orm";
import type { Db } from "./open.ts";
import { prepared } from "./prepared.ts";
import { tokens } from "./schema.ts";

/** The token with this hash, whether it is still good or not. */
export function findToken(db: Db, hash: string) {
  return byHash(db).get({ hash });
}

const byHash = prepared((db) =>
  db
    .select()
    .from(tokens)
    .where(eq(tokens.hash, sql.placeholder("hash")))
    .prepare(),
);

export type TokenRow = NonNullable<ReturnType<typeof findToken>>;

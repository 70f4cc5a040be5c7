import { asc } from "drizzle-orm";
import type { TokenView } from "#contract/service/token.ts";
import type { Db } from "./open.ts";
import { tokens } from "./schema.ts";

const { id, name, scope, lastFour, createdAt, expiresAt, revokedAt, lastUsedAt } = tokens;

/** All tokens, oldest first; also those that are no longer good. */
export function listTokens(db: Db): TokenView[] {
  const columns = { id, name, scope, lastFour, createdAt, expiresAt, revokedAt, lastUsedAt };
  return db.select(columns).from(tokens).orderBy(asc(createdAt), asc(id)).all();
}

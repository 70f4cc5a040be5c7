import { and, count, eq, isNotNull } from "drizzle-orm";
import type { Db } from "./open.ts";
import { tokens } from "./schema.ts";

/** Whether anybody ever showed a token of scope admin: if not, nobody may have one. */
export function wasAdminUsed(db: Db): boolean {
  const [used] = db
    .select({ tokens: count() })
    .from(tokens)
    .where(and(eq(tokens.scope, "admin"), isNotNull(tokens.lastUsedAt)))
    .all();
  return used?.tokens !== 0;
}

import { eq } from "drizzle-orm";
import type { TokenRow } from "./find-token.ts";
import type { Db } from "./open.ts";
import { tokens } from "./schema.ts";

const minuteMs = 60_000;

/** Notes that a token is used: to the minute, so that most requests write nothing. */
export function touchToken(db: Db, { id, lastUsedAt }: Pick<TokenRow, "id" | "lastUsedAt">, now: number): void {
  const minute = now - (now % minuteMs);
  if (lastUsedAt !== null && lastUsedAt >= minute) return;
  db.update(tokens).set({ lastUsedAt: minute }).where(eq(tokens.id, id)).run();
}

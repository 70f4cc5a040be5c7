import { and, eq, gt, isNull, ne } from "drizzle-orm";
import { WinnowError } from "#contract/error.ts";
import { type Db, writing } from "./open.ts";
import { tokens } from "./schema.ts";

/**
 * Makes a token void; one that is void already stays so. Throws `token.not-found`, and `token.last` for the last admin token that is
 * good: without it nobody could issue another.
 */
export function revokeToken(db: Db, { id, now }: { id: string; now: number }): void {
  writing(db, (tx) => {
    const token = tx.select().from(tokens).where(eq(tokens.id, id)).get();
    if (!token) throw notFound(id);
    if (token.revokedAt !== null) return;
    const isGoodAdmin = token.scope === "admin" && token.expiresAt > now;
    if (isGoodAdmin && !hasOtherAdmin(tx, id, now)) throw lastAdmin(token.name);
    tx.update(tokens).set({ revokedAt: now }).where(eq(tokens.id, id)).run();
  });
}

function hasOtherAdmin(tx: Db, id: string, now: number): boolean {
  const isGood = and(eq(tokens.scope, "admin"), ne(tokens.id, id), isNull(tokens.revokedAt), gt(tokens.expiresAt, now));
  return tx.select({ id: tokens.id }).from(tokens).where(isGood).limit(1).get() !== undefined;
}

function notFound(id: string): WinnowError {
  const hint = "List the tokens with `winnow tokens`.";
  return new WinnowError("token.not-found", `There is no token ${JSON.stringify(id)}.`, hint);
}

function lastAdmin(name: string): WinnowError {
  const hint = "Issue another admin token first.";
  return new WinnowError("token.last", `${JSON.stringify(name)} is the last admin token.`, hint);
}

import { and, eq, lt } from "drizzle-orm";
import { issueToken } from "./issue-token.ts";
import { type Db, writing } from "./open.ts";
import { tokens } from "./schema.ts";

const name = "embedded runner";

/** A token for the server's own runner to register with, at its first start or when it was removed; soon of no use to anybody. */
export function issueEmbeddedToken(db: Db, now: number): string {
  return writing(db, (tx) => {
    // Those of earlier starts.
    tx.delete(tokens)
      .where(and(eq(tokens.name, name), eq(tokens.scope, "runner"), lt(tokens.expiresAt, now)))
      .run();
    return issueToken(tx, { name, scope: "runner", now, expiresInMs: 600_000 }).token;
  });
}

import { randomBytes } from "node:crypto";
import type { IssuedToken, TokenScope } from "#contract/service/token.ts";
import { hashToken, makeToken } from "../auth/token.ts";
import type { Db } from "./open.ts";
import { tokens } from "./schema.ts";

const dayMs = 86_400_000;

export type Issue = { name: string; scope: TokenScope; now: number; expiresInMs?: number };

/** Makes a token for a user or a machine. Its text is in the answer and nowhere else. */
export function issueToken(db: Db, { name, scope, now, expiresInMs }: Issue): IssuedToken {
  const token = makeToken(scope === "runner" ? "wreg" : "wapi");
  const row = {
    id: `tok_${randomBytes(8).toString("hex")}`,
    name,
    scope,
    hash: hashToken(token),
    lastFour: token.slice(-4),
    createdAt: now,
    expiresAt: now + (expiresInMs ?? (scope === "runner" ? dayMs : 90 * dayMs)),
  };
  db.insert(tokens).values(row).run();
  const { hash: _stored, ...shown } = row;
  return { ...shown, revokedAt: null, lastUsedAt: null, token };
}

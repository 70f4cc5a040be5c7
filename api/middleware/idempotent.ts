import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { and, eq } from "drizzle-orm";
import type { Context } from "hono";
import { routePath } from "hono/route";
import { WinnowError } from "#contract/error.ts";
import type { AppDeps } from "../app-deps.ts";
import type { AppEnv } from "../app-env.ts";
import { type Db, writing } from "../db/open.ts";
import { idempotency } from "../db/schema.ts";

/** Of routes that create something. */
export const idempotencyHeader = z.object({
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{8,255}$/, "write 8 to 255 visible characters")
    .optional()
    .openapi({ description: "The same key gives the same answer again for a day, and nothing is done twice." }),
});

/**
 * Does `work` once for each `Idempotency-Key`: its effect and its answer are one transaction, and the same key gets the same answer
 * again. Two requests at once take turns at the database, so that the second finds the answer of the first and there is no third
 * state to tell of. Without a key it is only a transaction. Throws `idempotency.mismatch` for the same key with another body.
 */
export function idempotent<S extends number, T>(
  c: Context<AppEnv>,
  { db, now }: Pick<AppDeps, "db" | "now">,
  body: unknown,
  work: (tx: Db) => { status: S; answer: T },
): { status: S; answer: T; isRepeated: boolean } {
  const key = c.req.header("idempotency-key");
  if (key === undefined) return { ...writing(db, work), isRepeated: false };
  const names = { actor: c.var.caller?.id ?? "", route: `${c.req.method} ${routePath(c)} ${c.req.path}`, key };
  const requestHash = createHash("sha256").update(JSON.stringify(body)).digest("hex");
  const secret = `${c.req.header("authorization")} ${key}`;
  return writing(db, (tx) => {
    const { actor, route } = names;
    const known = tx
      .select()
      .from(idempotency)
      .where(and(eq(idempotency.actor, actor), eq(idempotency.route, route), eq(idempotency.key, key)))
      .get();
    if (known && known.requestHash !== requestHash) throw mismatch(key);
    // Written below by the same handler, so they are what it gives.
    if (known)
      return { status: known.status as S, answer: JSON.parse(unseal(known.body, secret)) as T, isRepeated: true };
    const done = work(tx);
    const sealed = seal(JSON.stringify(done.answer), secret);
    tx.insert(idempotency)
      .values({ ...names, requestHash, status: done.status, body: sealed, createdAt: now() })
      .run();
    return { ...done, isRepeated: false };
  });
}

function mismatch(key: string): WinnowError {
  const hint = "Send a key of its own with each different request.";
  return new WinnowError("idempotency.mismatch", `The key ${key} came before with another body.`, hint);
}

/**
 * An answer may hold a token, which is nowhere to be read from the database: it is encrypted (AES-256-GCM) with what only its
 * caller has, the token of the request and the key.
 */
function seal(text: string, secret: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", keyFrom(secret), nonce);
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64");
}

function unseal(text: string, secret: string): string {
  const bytes = Buffer.from(text, "base64");
  const decipher = createDecipheriv("aes-256-gcm", keyFrom(secret), bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(12, 28));
  return decipher.update(bytes.subarray(28), undefined, "utf8") + decipher.final("utf8");
}

function keyFrom(secret: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", "winnow idempotency", 32));
}

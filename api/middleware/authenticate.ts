import type { Context, MiddlewareHandler } from "hono";
import { WinnowError } from "#contract/error.ts";
import type { AppDeps } from "../app-deps.ts";
import type { AppEnv, Caller } from "../app-env.ts";
import { parseToken } from "../auth/token.ts";
import { findToken } from "../db/find-token.ts";
import { touchToken } from "../db/touch-token.ts";
import { TryLater } from "../problem.ts";
import { addressOf } from "./address.ts";
import { makeBuckets } from "./buckets.ts";

const minuteMs = 60_000;

/**
 * Reads the token of a request and leaves `bearer` in the context, and `caller` when it is one of the tokens table. A request
 * without a token passes: what it may not do, its route refuses. Throws `token.invalid`, and `request.rate-limited` for a token
 * that calls too often and an address that has sent too many wrong ones.
 */
export function authenticate({ db, now, settings }: AppDeps): MiddlewareHandler<AppEnv> {
  const wrong = makeBuckets({ size: settings.badTokensPerMinute, perMs: settings.badTokensPerMinute / minuteMs });
  const calls = makeBuckets({ size: settings.requestBurst, perMs: settings.requestsPerSecond / 1000 });
  const refuse = (c: Context<AppEnv>, error: WinnowError): never => {
    const waitMs = wrong.take(addressOf(c) ?? "", now());
    throw waitMs > 0 ? tooMany("This address has sent too many wrong tokens.", waitMs) : error;
  };
  return async (c, next) => {
    const header = c.req.header("authorization");
    if (header === undefined) return await next();
    const parsed = parseToken(/^Bearer +(\S+)$/i.exec(header)?.[1] ?? "");
    if (typeof parsed === "string") return refuse(c, tokenInvalid(reasons[parsed]));
    c.set("bearer", parsed);
    if (parsed.prefix === "wapi" || parsed.prefix === "wreg") {
      const found = findToken(db, parsed.hash);
      if (!found) return refuse(c, tokenInvalid("The token is not known here."));
      if (found.revokedAt !== null) return refuse(c, tokenInvalid("The token was revoked."));
      if (found.expiresAt <= now()) return refuse(c, tokenInvalid("The token has expired."));
      const waitMs = calls.take(found.id, now());
      if (waitMs > 0) throw tooMany(`The token ${found.name} is used too often.`, waitMs);
      touchToken(db, found, now());
      c.set("caller", { id: found.id, name: found.name, scope: found.scope } satisfies Caller);
    }
    await next();
  };
}

const reasons = {
  mistyped: "The token has a typing error: its checksum does not fit.",
  foreign: "The token is none of Winnow's.",
};

/** For a token that is wrong, whatever of it is. */
export function tokenInvalid(message: string): WinnowError {
  return new WinnowError("token.invalid", message, "Check the token, or ask an admin for another one.");
}

function tooMany(message: string, waitMs: number): TryLater {
  return new TryLater("request.rate-limited", message, "Wait for as long as `Retry-After` says.", waitMs);
}

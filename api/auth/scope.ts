import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { WinnowError } from "#contract/error.ts";
import type { TokenScope } from "#contract/service/token.ts";
import type { AppEnv } from "../app-env.ts";

/** Which scopes may call a route that asks for a scope. Those of machines are closed: nothing else has them, and they have nothing else. */
const granted: Record<TokenScope, readonly TokenScope[]> = {
  read: ["read", "submit", "admin"],
  submit: ["submit", "admin"],
  admin: ["admin"],
  runner: ["runner"],
  hook: ["hook"],
};

export function mayCall(scope: TokenScope, needed: TokenScope): boolean {
  return granted[needed].includes(scope);
}

/**
 * Part of a route's definition: says in the OpenAPI document which scope it needs, and lets nobody else in. Throws
 * `token.missing` and `token.denied`.
 */
export function allow(needed: TokenScope) {
  const guard: MiddlewareHandler<AppEnv> = async (c, next) => {
    const { caller, bearer } = c.var;
    if (!caller && !bearer) throw tokenMissing();
    if (!caller || !mayCall(caller.scope, needed)) throw tokenDenied(caller?.scope, needed);
    c.set("admitted", routePath(c).replaceAll(/:(\w+)(\{[^/]*\})?/g, "{$1}"));
    await next();
  };
  return { security: [{ token: [needed] }], middleware: guard };
}

export function tokenMissing(): WinnowError {
  return new WinnowError(
    "token.missing",
    "The request has no token.",
    "Send the header `Authorization: Bearer TOKEN`; an admin issues tokens with `winnow tokens`.",
  );
}

function tokenDenied(scope: TokenScope | undefined, needed: TokenScope): WinnowError {
  return new WinnowError(
    "token.denied",
    scope ? `A token of scope ${scope} may not do this.` : "A token of a runner or an attempt may not do this.",
    `Use a token of scope ${granted[needed].join(" or ")}.`,
  );
}

import type { MiddlewareHandler } from "hono";
import { WinnowError } from "#contract/error.ts";
import type { AppDeps } from "../app-deps.ts";
import type { AppEnv } from "../app-env.ts";
import { findRunnerByToken, type Runner } from "../db/find-runner.ts";
import { tokenInvalid } from "../middleware/authenticate.ts";
import { assertProtocol } from "./protocol.ts";
import { tokenMissing } from "./scope.ts";

export type RunnerEnv = AppEnv & { Variables: { runner: Runner } };

/**
 * Part of the definition of a route below `/runner`: lets in the bearer of a runner's own token, and leaves `runner` in the context.
 * The look-up is by the token's hash: how long it takes says nothing of the token.
 *
 * Throws `protocol.too-old`, `token.missing`, `token.invalid` (also for a runner that was removed), and `token.denied` for a token
 * of another kind.
 */
export function asRunner({ db }: AppDeps) {
  const guard: MiddlewareHandler<RunnerEnv> = async (c, next) => {
    const { bearer } = c.var;
    if (!bearer) throw tokenMissing();
    if (bearer.prefix !== "wrun") throw denied();
    assertProtocol(c);
    const runner = findRunnerByToken(db, bearer.hash);
    if (!runner) throw tokenInvalid("The runner's token is not known here: it was registered again, or removed.");
    c.set("runner", runner);
    await next();
  };
  return { security: [{ runner: [] }], middleware: guard };
}

function denied(): WinnowError {
  return new WinnowError(
    "token.denied",
    "This takes the token of a runner.",
    "Use the token that came with its registration.",
  );
}

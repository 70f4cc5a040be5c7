import type { MiddlewareHandler } from "hono";
import { WinnowError } from "#contract/error.ts";
import type { AppDeps } from "../app-deps.ts";
import type { AppEnv } from "../app-env.ts";
import { type FoundAttempt, findAttemptByToken, isAtWork } from "../db/find-attempt.ts";
import { leaseLost } from "../db/held-by.ts";
import { tokenInvalid } from "../middleware/authenticate.ts";
import { assertProtocol } from "./protocol.ts";
import { tokenMissing } from "./scope.ts";

/** `held` names the attempt and its lease in every write. */
export type AttemptEnv = AppEnv & { Variables: { held: FoundAttempt } };

/** What of an attempt's life a call is for, besides its work: before it was started, and after it has ended. */
export type Also = { isForClaimed?: boolean; isForEnded?: boolean };

/**
 * Part of the definition of a route below `/attempts/{jobId}/{attempt}`: lets in the bearer of that attempt's token, and leaves
 * `held` in the context. The look-up is by the token's hash: how long it takes says nothing of the token.
 *
 * Throws `protocol.too-old`, `token.missing`, `token.invalid`; `token.denied` for another attempt's token or one of another kind;
 * `lease.lost` for an attempt that has ended; `job.wrong-state` for one that was not started.
 */
export function asAttempt({ db }: AppDeps, { isForClaimed = false, isForEnded = false }: Also = {}) {
  const guard: MiddlewareHandler<AttemptEnv> = async (c, next) => {
    const { bearer } = c.var;
    if (!bearer) throw tokenMissing();
    if (bearer.prefix !== "watt") throw denied("This takes the token of an attempt.");
    assertProtocol(c);
    const held = findAttemptByToken(db, bearer.hash);
    if (!held) throw tokenInvalid("The attempt's token is not known here; a repeated claim renewed it.");
    const isItsOwn = c.req.param("jobId") === held.jobId && c.req.param("attempt") === String(held.attempt);
    if (!isItsOwn) throw denied("The token is that of another attempt.");
    if (!isAtWork(held) && !isForEnded) throw leaseLost(held);
    if (held.state === "claimed" && !isForClaimed) throw notStarted(held);
    c.set("held", held);
    await next();
  };
  return { security: [{ attempt: [] }], middleware: guard };
}

function denied(message: string): WinnowError {
  return new WinnowError("token.denied", message, "Use the token that came with the claim of this attempt.");
}

function notStarted({ jobId, attempt }: FoundAttempt): WinnowError {
  return new WinnowError(
    "job.wrong-state",
    `Attempt ${attempt} of ${jobId} was not started.`,
    "Work begins with the answer to `start`.",
  );
}

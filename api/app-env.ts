import type { ErrorCode } from "#contract/error.ts";
import type { TokenScope } from "#contract/service/token.ts";
import type { ParsedToken } from "./auth/token.ts";

/** Whoever calls with a token of the tokens table. */
export type Caller = { id: string; name: string; scope: TokenScope };

/** What middleware leaves in the context of a request. */
export type AppEnv = {
  Variables: {
    requestId: string;
    /** The token that came with the request; its checksum is right, nothing else is known. */
    bearer: ParsedToken | undefined;
    /** Undefined without a token, and with that of a runner or an attempt. */
    caller: Caller | undefined;
    /** Set once the caller may do what was asked: the route, e.g. `/api/v1/jobs/{id}`. */
    admitted: string | undefined;
    /** What the request was about, for the audit: set by handlers whose path does not say it. */
    object: string | undefined;
    /** Of the problem that was answered. */
    problem: ErrorCode | undefined;
  };
};

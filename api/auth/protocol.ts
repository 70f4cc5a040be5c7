import type { Context, MiddlewareHandler } from "hono";
import { WinnowError } from "#contract/error.ts";
import { protocolHeader, protocolVersion } from "#contract/service/runner-protocol.ts";
import type { AppEnv } from "../app-env.ts";

/** This version of the protocol and the one before, if there was one. */
const oldestSpoken = Math.max(1, protocolVersion - 1);

/** Lets runners in whose protocol the server speaks. Throws `protocol.too-old`, also for a header that is missing or no number. */
export function assertProtocol(c: Context): void {
  const given = c.req.header(protocolHeader);
  const version = given !== undefined && /^[1-9][0-9]{0,8}$/.test(given) ? Number(given) : undefined;
  if (version === undefined || version < oldestSpoken || version > protocolVersion) throw unspoken(given);
}

/** The same as middleware. */
export const checkProtocol: MiddlewareHandler<AppEnv> = async (c, next) => {
  assertProtocol(c);
  await next();
};

function unspoken(given: string | undefined): WinnowError {
  const theirs = given === undefined ? `names none in the header ${protocolHeader}` : `speaks ${JSON.stringify(given)}`;
  return new WinnowError(
    "protocol.too-old",
    `The server speaks the runner protocol ${protocolVersion}; the caller ${theirs}.`,
    "Run the same version of Winnow on the server and on its runners; update the server first.",
  );
}

import { z } from "zod";

/**
 * What a token may do: `read` reads; `submit` also submits, cancels and retries; `admin` also manages runners and tokens; `runner`
 * registers runners and nothing else; `hook` delivers webhooks and nothing else.
 */
export const TokenScope = z.enum(["admin", "submit", "read", "runner", "hook"]);
export type TokenScope = z.infer<typeof TokenScope>;

/** A token as lists show it: never the token itself, which is stored hashed. Times are milliseconds UTC. */
export const TokenView = z.object({
  id: z.string(),
  name: z.string(),
  scope: TokenScope,
  /** Its last four characters, so that its owner can tell it from others. */
  lastFour: z.string(),
  createdAt: z.int(),
  expiresAt: z.int(),
  revokedAt: z.int().nullable(),
  /** To the minute; null when it was never used. */
  lastUsedAt: z.int().nullable(),
});
export type TokenView = z.infer<typeof TokenView>;

export const NewToken = z.strictObject({
  name: z.string().min(1).max(100),
  scope: TokenScope,
  /** Default: 90 days, for `runner` one day. At most a year. */
  expiresInMs: z
    .int()
    .min(60_000)
    .max(365 * 86_400_000)
    .optional(),
});
export type NewToken = z.infer<typeof NewToken>;

/** The only answer that ever holds the token. */
export const IssuedToken = TokenView.extend({ token: z.string() });
export type IssuedToken = z.infer<typeof IssuedToken>;

export const TokenList = z.object({ tokens: z.array(TokenView) });

import { z } from "zod";
import { type ErrorCode, errors } from "../error.ts";

const codes = Object.keys(errors) as [ErrorCode, ...ErrorCode[]]; // Object.keys forgets what the catalogue's keys are

/** The answer to every request that fails (RFC 9457), as `application/problem+json`. */
export const Problem = z.object({
  /** `/problems/CODE`: a page that says what the code means. */
  type: z.string().regex(/^\/problems\//),
  /** The code in the closed list of `contract/error.ts`. */
  code: z.enum(codes),
  title: z.string(),
  status: z.int(),
  /** What happened to what. */
  detail: z.string(),
  /** What to do now. */
  hint: z.string(),
  /** The path that was asked for. */
  instance: z.string(),
  /** What is wrong where in the request: JSON pointers (RFC 6901), or the name of a query parameter or header. */
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  requestId: z.string(),
  retryAfterMs: z.int().optional(),
});
export type Problem = z.infer<typeof Problem>;

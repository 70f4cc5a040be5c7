import { z } from "@hono/zod-openapi";
import type { ErrorCode } from "#contract/error.ts";
import { JobId } from "#contract/service/job-view.ts";
import { refusals } from "../route.ts";

/** Where the calls of an attempt begin. */
export const attemptPath = "/attempts/{jobId}/{attempt}";

export const AttemptParams = z.object({
  jobId: JobId,
  attempt: z
    .string()
    .regex(/^[1-9][0-9]{0,5}$/, "write the number of the attempt")
    .openapi({ example: "1" }),
});

/** The problems that every call of an attempt may answer with, and more. */
export function attemptRefusals(also: readonly ErrorCode[] = [], { hasBody = false } = {}) {
  return refusals({ also: ["protocol.too-old", "lease.lost", "job.wrong-state", ...also], hasBody });
}

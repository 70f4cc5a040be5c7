import { z } from "zod";

/** `GET /version`, also without a token. */
export const Version = z.object({ version: z.string(), protocol: z.int() });
export type Version = z.infer<typeof Version>;

/** One request that may have changed something. Times are milliseconds UTC. */
export const AuditEntry = z.object({
  seq: z.int(),
  at: z.int(),
  /** Id of the token. */
  actor: z.string(),
  /** Null for a call within the process. */
  address: z.string().nullable(),
  /** Method and route, e.g. `POST /api/v1/jobs/{id}/cancel`. */
  action: z.string(),
  object: z.string().nullable(),
  /** Of the answer. */
  status: z.int(),
  requestId: z.string(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;
export const AuditList = z.object({ entries: z.array(AuditEntry), next: z.string().nullable() });

/** `GET /livez` and `GET /readyz`: what was looked at, and what is wrong with it. */
export const Health = z.object({
  isOk: z.boolean(),
  checks: z.record(z.string(), z.object({ isOk: z.boolean(), detail: z.string() })),
});
export type Health = z.infer<typeof Health>;

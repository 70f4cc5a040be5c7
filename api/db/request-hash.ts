import { createHash } from "node:crypto";
import { canonicalJson } from "#contract/canonical-json.ts";
import type { JobRequest } from "#contract/job.ts";

/** SHA-256 (hex) of the canonical form of a request as the schema completed it: equal work has equal hashes. */
export function requestHash(request: JobRequest): string {
  return createHash("sha256").update(canonicalJson(request)).digest("hex");
}

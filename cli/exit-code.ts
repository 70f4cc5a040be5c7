import { errors } from "#contract/error.ts";
import type { LocalResult } from "./local-job.ts";

/**
 * 0 means that the image was proven to work (or that there was nothing to prove: `profile`, `info`); errors have the exit code of their
 * entry in the catalogue. A slim image that nothing exercised is not proven, which a script must not take for success.
 */
export function exitCodeOf({ error, report }: Pick<LocalResult, "error" | "report">): number {
  if (error) return errors[error.code].exit;
  return report?.verdict === "not-exercised" ? errors["verify.failed"].exit : 0;
}

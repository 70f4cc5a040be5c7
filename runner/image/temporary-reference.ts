import { createHash } from "node:crypto";

/** `.invalid` never resolves (RFC 2606), so no engine can push or pull what stands under it. */
export const temporaryRepository = "winnow.invalid/job";

/** A host's name as it stands in a tag, where not all characters may. */
export const hostKey = (host: string): string => createHash("sha256").update(host).digest("hex").slice(0, 12);

/** What the tags of one job begin with. Ids that are long or hold other characters are told apart by a digest. */
export function temporaryTagPrefix(jobId: string): string {
  return /^[\w-]{1,64}$/.test(jobId) ? `j${jobId}` : `j${hostKey(jobId)}`;
}

/** A name that only this job has. It tells whose it is, so that a later start of the runner can sweep what a crash left. */
export function temporaryReference(
  jobId: string,
  round: number,
  owner: { host: string; pid: number; startTicks: string },
): string {
  return `${temporaryRepository}:${temporaryTagPrefix(jobId)}-r${round}.${hostKey(owner.host)}.${owner.pid}.${owner.startTicks}`;
}
